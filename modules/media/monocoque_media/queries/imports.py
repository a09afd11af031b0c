"""The statements of imports: whole chunks of rows at a time, handed over as one JSON array."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    DateTime,
    Integer,
    String,
    Uuid,
    bindparam,
    case,
    column,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.sql.elements import ColumnElement, TextClause

from monocoque.queries import Query
from monocoque.statements import parameter, touched
from monocoque_media.models import Import, ImportRow
from monocoque_media.queries.shaping import STATE_FIELDS, STATES
from monocoque_media.queries.states import next_version

IMPORTS = Import.metadata.tables["monocoque_media.imports"]
ROWS = ImportRow.metadata.tables["monocoque_media.import_rows"]

COUNTS = ("row_count", "imported_count", "unchanged_count", "skipped_count", "failed_count", "created_item_count")
SILENT_SECONDS = 60
SILENT_AFTER = f"interval '{SILENT_SECONDS} seconds'"
ENDED = "The process that ran this import has ended. Import the file again: what was imported stays as it is."


def _statement(sql: str, **types: Any) -> TextClause:
    return text(sql).bindparams(*(bindparam(name, type_=kind) for name, kind in types.items()))


_silent: ColumnElement[bool] = (IMPORTS.c.status == literal_column("'running'")) & (
    IMPORTS.c.updated_at < func.now() - literal_column(SILENT_AFTER)
)
_read = (
    IMPORTS.c.id,
    IMPORTS.c.format,
    IMPORTS.c.filename,
    IMPORTS.c.dry_run,
    case((_silent, literal_column("'failed'")), else_=IMPORTS.c.status).label("status"),
    case((_silent, literal_column(f"'{ENDED}'")), else_=IMPORTS.c.detail).label("detail"),
    *(IMPORTS.c[name] for name in COUNTS),
    IMPORTS.c.created_at,
    IMPORTS.c.updated_at,
    IMPORTS.c.finished_at,
)
_mine = IMPORTS.c.owner_id == parameter(IMPORTS.c.owner_id)

FAIL_SILENT = Query(
    IMPORTS.update()
    .where(_mine, _silent)
    .values(status=literal_column("'failed'"), detail=literal_column(f"'{ENDED}'"), finished_at=func.now())
)
_new = ("id", "owner_id", "format", "filename", "digest", "dry_run")
CREATE = Query(
    IMPORTS.insert()
    .values({**{name: parameter(IMPORTS.c[name]) for name in _new}, "status": literal_column("'running'")})
    .returning(*_read)
)
FIND = Query(select(*_read).where(_mine, IMPORTS.c.id == parameter(IMPORTS.c.id)))
LIST = Query(
    select(*_read)
    .where(
        _mine,
        bindparam("before", type_=Uuid).is_(None) | (IMPORTS.c.id < bindparam("before", type_=Uuid)),
    )
    .order_by(IMPORTS.c.id.desc())
    .limit(bindparam("limit", type_=Integer))
)
# Touches no row once somebody else has given the import up; whoever runs it then stops.
ADVANCE = Query(
    IMPORTS.update()
    .where(IMPORTS.c.id == parameter(IMPORTS.c.id), IMPORTS.c.status == literal_column("'running'"))
    .values({**{name: IMPORTS.c[name] + parameter(IMPORTS.c[name]) for name in COUNTS}, "updated_at": func.now()})
)
RUNNING = Query(
    select(func.extract("epoch", IMPORTS.c.updated_at + literal_column(SILENT_AFTER) - func.clock_timestamp())).where(
        _mine, IMPORTS.c.status == literal_column("'running'")
    )
)
FINISH = Query(
    IMPORTS.update()
    .where(IMPORTS.c.id == parameter(IMPORTS.c.id), IMPORTS.c.status == literal_column("'running'"))
    .values(
        status=bindparam("new_status", type_=String),
        detail=parameter(IMPORTS.c.detail),
        updated_at=func.now(),
        finished_at=func.now(),
    )
)
_status = bindparam("status", type_=String)
_after = bindparam("after", type_=Integer)
LIST_ROWS = Query(
    select(ROWS.c.row_number, ROWS.c.status, ROWS.c.title, ROWS.c.item_id, ROWS.c.reason, ROWS.c.guess)
    .where(
        ROWS.c.import_id == parameter(ROWS.c.import_id),
        _status.is_(None) | (ROWS.c.status == _status),
        _after.is_(None) | (ROWS.c.row_number > _after),
    )
    .order_by(ROWS.c.row_number)
    .limit(bindparam("limit", type_=Integer))
)

HOLDINGS = Query(
    _statement(
        """
        SELECT item.id, item.title,
          (
            SELECT row_to_json(state) FROM (
              SELECT status, rating, favorite, notes, started_at, finished_at, pass_number
              FROM monocoque_media.user_item_states WHERE owner_id = :owner_id AND item_id = item.id
            ) state
          )::jsonb AS state,
          (
            SELECT max(at) FROM monocoque_media.state_log entry
            WHERE entry.owner_id = :owner_id AND entry.item_id = item.id
          ) AS logged_until,
          ARRAY(
            SELECT tag.name_key FROM monocoque_media.item_tags tagged
            JOIN monocoque_media.tags tag ON tag.id = tagged.tag_id
            WHERE tagged.item_id = item.id AND tag.owner_id = :owner_id
          ) AS tags
        FROM monocoque_media.items item WHERE item.id = ANY(:ids) AND item.deleted_at IS NULL
        FOR SHARE
        """,
        owner_id=Uuid,
        ids=ARRAY(Uuid),
    )
)

ADD_ITEMS = Query(
    _statement(
        """
        INSERT INTO monocoque_media.items (
          id, media_type, title, subtitle, description, release_date, release_precision, cover_image_url, metadata,
          creators, edited_fields, locks, locked_fields, created_by
        )
        SELECT id, media_type, title, subtitle, description, release_date, release_precision, cover_image_url, metadata,
          creators, edited_fields, locks, locked_fields, :owner_id
        FROM jsonb_to_recordset(:rows) AS given (
          id uuid, media_type text, title text, subtitle text, description text, release_date date,
          release_precision text, cover_image_url text, metadata jsonb, creators text, edited_fields text[],
          locks text[], locked_fields text[]
        )
        """,
        owner_id=Uuid,
        rows=JSONB,
    )
)


def _add_details(table: str, columns: dict[str, str]) -> Query:
    """Rows of a table of details; texts[] comes as a JSON array."""
    values = (
        f"ARRAY(SELECT jsonb_array_elements_text({name}))" if kind == "texts" else name
        for name, kind in columns.items()
    )
    given = (f"{name} {'jsonb' if kind == 'texts' else kind}" for name, kind in columns.items())
    return Query(
        _statement(
            f"INSERT INTO monocoque_media.{table} (item_id, {', '.join(columns)}) "  # noqa: S608  only our own names
            f"SELECT id, {', '.join(values)} FROM jsonb_to_recordset(:rows) AS given (id uuid, {', '.join(given)})",
            rows=JSONB,
        )
    )


_movies = _add_details(
    "movie_items", {"tmdb_type": "text", "runtime": "int", "directors": "texts", "original_title": "text"}
)
ADD_DETAILS = {
    "book": _add_details(
        "book_items",
        {
            "authors": "texts",
            "page_count": "int",
            "isbn_10": "text",
            "isbn_13": "text",
            "publisher": "text",
            "language": "text",
        },
    ),
    "movie": _movies,
    "tv": _movies,
    "game": _add_details("game_items", {"platforms": "texts", "developers": "texts", "publishers": "texts"}),
    "music": _add_details(
        "music_items",
        {"kind": "text", "artist": "text", "album": "text", "track_number": "int", "duration_ms": "int"},
    ),
}
_STATE = "status, rating, favorite, notes, started_at, finished_at, pass_number"
_STATE_TYPES = (
    "status text, rating int, favorite boolean, notes text, started_at date, finished_at date, pass_number int"
)


def _of(table: str) -> str:
    return ", ".join(f"{table}.{name}" for name in _STATE.split(", "))


_given = (
    func.jsonb_to_recordset(bindparam("rows", type_=JSONB))
    .table_valued(
        column("item_id", Uuid),
        *(column(name, STATES.c[name].type) for name in STATE_FIELDS),
        column("since", DateTime(timezone=True)),
        column("at", DateTime(timezone=True)),
        name="given",
    )
    .render_derived(with_types=True)
)
_owner = parameter(STATES.c.owner_id)
# A state that the person does not have yet is as old as its log says, so that a library keeps its order; its version is
# none that an earlier one had.
_put = insert(STATES).from_select(
    ["owner_id", "item_id", *STATE_FIELDS, "version", "created_at", "updated_at"],
    select(
        _owner,
        _given.c.item_id,
        *(_given.c[name] for name in STATE_FIELDS),
        next_version(_owner, _given.c.item_id),
        func.least(_given.c.since, func.now()),
        func.least(_given.c.at, func.now()),
    ),
)
PUT_STATES = Query(
    _put.on_conflict_do_update(
        index_elements=["owner_id", "item_id"],
        set_={**{name: _put.excluded[name] for name in STATE_FIELDS}, **touched(STATES)},
    )
)
_LOGGED = f"id uuid, item_id uuid, at timestamptz, action text, {_STATE_TYPES}"
_IS_NEW = (
    "NOT EXISTS ("  # noqa: S608  our names
    "SELECT FROM monocoque_media.state_log entry WHERE entry.owner_id = :owner_id "
    "AND entry.item_id = given.item_id AND entry.at = given.at AND entry.action = given.action "
    f"AND ({_of('entry')}) IS NOT DISTINCT FROM ({_of('given')}))"
)
# In order, since the entries are numbered as they are written.
ADD_LOG = Query(
    _statement(
        f"INSERT INTO monocoque_media.state_log (id, owner_id, item_id, at, action, {_STATE}) "  # noqa: S608  our names
        f"SELECT id, :owner_id, item_id, COALESCE(at, clock_timestamp()), action, {_STATE} "
        f"FROM jsonb_to_recordset(:rows) AS given ({_LOGGED}) WHERE at IS NULL OR {_IS_NEW} ORDER BY id "
        "RETURNING item_id",
        owner_id=Uuid,
        rows=JSONB,
    )
)
NEW_IN_LOG = Query(
    _statement(
        f"SELECT DISTINCT item_id FROM jsonb_to_recordset(:rows) AS given ({_LOGGED}) WHERE {_IS_NEW}",  # noqa: S608  our names
        owner_id=Uuid,
        rows=JSONB,
    )
)
# In order, so that two writers of the same tags wait for each other and never in a circle.
ADD_TAGS = Query(
    _statement(
        """
        INSERT INTO monocoque_media.tags (id, owner_id, name, name_key)
        SELECT id, :owner_id, name, name_key
        FROM jsonb_to_recordset(:rows) AS given (id uuid, name text, name_key text) ORDER BY name_key
        ON CONFLICT (owner_id, name_key) DO NOTHING
        RETURNING name_key
        """,
        owner_id=Uuid,
        rows=JSONB,
    )
)
TAG_KEYS = Query(
    _statement(
        "SELECT name_key FROM monocoque_media.tags WHERE owner_id = :owner_id AND name_key = ANY(:keys)",
        owner_id=Uuid,
        keys=ARRAY(String),
    )
)
TAG_ITEMS = Query(
    _statement(
        """
        INSERT INTO monocoque_media.item_tags (tag_id, item_id)
        SELECT tag.id, given.item_id FROM jsonb_to_recordset(:rows) AS given (item_id uuid, name_key text)
        JOIN monocoque_media.tags tag ON tag.owner_id = :owner_id AND tag.name_key = given.name_key
        ON CONFLICT DO NOTHING
        """,
        owner_id=Uuid,
        rows=JSONB,
    )
)
ADD_ROWS = Query(
    _statement(
        """
        INSERT INTO monocoque_media.import_rows (
          import_id, row_number, status, item_id, title, reason, guess, identity, digest
        )
        SELECT :import_id, row_number, status, item_id, title, reason, guess, decode(identity, 'hex'),
          decode(digest, 'hex')
        FROM jsonb_to_recordset(:rows) AS given (
          row_number int, status text, item_id uuid, title text, reason text, guess jsonb, identity text, digest text
        )
        """,
        import_id=Uuid,
        rows=JSONB,
    )
)
