"""The statements of imports: whole chunks of rows at a time, handed over as one JSON array."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ARRAY, Integer, String, Uuid, bindparam, case, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.elements import ColumnElement, TextClause

from monocoque.queries import Query
from monocoque.statements import parameter
from monocoque_media.models import Import, ImportRow

IMPORTS = Import.metadata.tables["monocoque_media.imports"]
ROWS = ImportRow.metadata.tables["monocoque_media.import_rows"]

COUNTS = ("row_count", "imported_count", "unchanged_count", "skipped_count", "failed_count", "created_item_count")
SILENT_AFTER = "interval '60 seconds'"
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

# For one transaction: an import makes tables grow under its own statements, so a plan of the first chunk is none for
# the last, and what the planner knows of the tables is old. For the same reason OFFSET 0 keeps it from any but the one
# index that fits, titles are compared by the operators of that index alone, and rows are taken from an index as they
# come: of those of one identity, of which there may be as many as rows of the file, only the last is looked at.
PLAN_ANEW = Query(
    _statement(
        "SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_seqscan', 'off', true), "
        "set_config('enable_bitmapscan', 'off', true)"
    )
)

# Which item each row means. What the person imported under the same name before comes first, then our own id, then
# what a source or an ISBN says, then title and type with a creator or a year that agree. The catalogue's entries and
# the person's own count; those of somebody else do not, except where the row names one by its id.
MATCH = Query(
    _statement(
        """
        SELECT given.place,
          EXISTS (
            SELECT FROM (
              SELECT * FROM monocoque_media.import_rows entry
              WHERE entry.digest = decode(given.digest, 'hex') OFFSET 0
            ) AS known
            WHERE known.status IN ('imported', 'unchanged')
          ) AS seen,
          COALESCE(
            (
              SELECT living.id
              FROM (
                SELECT * FROM monocoque_media.import_rows entry
                WHERE entry.identity = decode(given.identity, 'hex')
                ORDER BY entry.identity DESC, entry.import_id DESC OFFSET 0
              ) AS known
              CROSS JOIN LATERAL (SELECT * FROM monocoque_media.items WHERE id = known.item_id OFFSET 0) AS item
              CROSS JOIN LATERAL (
                SELECT * FROM monocoque_media.items WHERE id = COALESCE(item.merged_into, item.id) OFFSET 0
              ) AS living
              WHERE living.deleted_at IS NULL AND living.media_type = given.media_type
              LIMIT 1
            ),
            (
              SELECT living.id
              FROM (SELECT * FROM monocoque_media.items WHERE id = given.item_id OFFSET 0) AS item
              CROSS JOIN LATERAL (
                SELECT * FROM monocoque_media.items WHERE id = COALESCE(item.merged_into, item.id) OFFSET 0
              ) AS living
              WHERE living.deleted_at IS NULL AND living.media_type = given.media_type
                AND (NOT given.own OR living.created_by = :owner_id)
            ),
            CASE WHEN NOT (given.own AND given.item_id IS NOT NULL) THEN COALESCE(
              (
                SELECT item.id
                FROM jsonb_to_recordset(given.sources) AS named (source text, kind text, external_id text)
                CROSS JOIN LATERAL (
                  SELECT entry.item_id FROM monocoque_media.sources entry
                  WHERE entry.source = named.source AND entry.kind = named.kind
                    AND entry.external_id = named.external_id OFFSET 0
                ) AS source
                CROSS JOIN LATERAL (SELECT * FROM monocoque_media.items WHERE id = source.item_id OFFSET 0) AS item
                WHERE item.deleted_at IS NULL AND item.media_type = given.media_type
                  AND (item.created_by IS NULL OR item.created_by = :owner_id)
                LIMIT 1
              ),
              (
                SELECT item.id
                FROM (
                  SELECT entry.item_id FROM monocoque_media.book_items entry
                  WHERE entry.isbn_13 = given.isbn_13 OFFSET 0
                ) AS book
                CROSS JOIN LATERAL (SELECT * FROM monocoque_media.items WHERE id = book.item_id OFFSET 0) AS item
                WHERE item.deleted_at IS NULL AND item.media_type = given.media_type
                  AND (item.created_by IS NULL OR item.created_by = :owner_id)
                ORDER BY item.created_by IS NULL, item.id LIMIT 1
              ),
              (
                SELECT CASE
                  WHEN given.creator IS NOT NULL OR given.year IS NOT NULL OR bool_or(item.created_by IS NOT NULL)
                    OR count(*) = 1
                  THEN (array_agg(item.id ORDER BY item.created_by IS NULL, item.id))[1]
                END
                FROM (
                  SELECT * FROM monocoque_media.items entry
                  WHERE lower(entry.title) ~>=~ lower(given.title) AND lower(entry.title) ~<=~ lower(given.title)
                  LIMIT 1000
                ) AS item
                WHERE item.media_type = given.media_type AND item.deleted_at IS NULL
                  AND (item.created_by IS NULL OR item.created_by = :owner_id)
                  AND CASE
                    WHEN given.creator IS NULL OR item.creators = ''
                    THEN given.year IS NOT DISTINCT FROM extract(year FROM item.release_date)
                      OR (given.year IS NULL AND given.creator IS NULL)
                    ELSE strpos(', ' || lower(item.creators) || ', ', ', ' || lower(given.creator) || ', ') > 0
                      AND (given.year IS NULL OR item.release_date IS NULL
                        OR given.year = extract(year FROM item.release_date))
                  END
                  AND NOT EXISTS (
                    SELECT FROM monocoque_media.book_items other
                    WHERE other.item_id = item.id AND other.isbn_13 <> given.isbn_13
                  )
              )
            ) END
          ) AS item_id
        FROM jsonb_to_recordset(:rows) AS given (
          place int, digest text, identity text, item_id uuid, own boolean, media_type text, title text, year int,
          creator text, isbn_13 text, sources jsonb
        )
        """,
        owner_id=Uuid,
        rows=JSONB,
    )
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
_STATE_SET = ", ".join(f"{name} = EXCLUDED.{name}" for name in _STATE.split(", "))


def _of(table: str) -> str:
    return ", ".join(f"{table}.{name}" for name in _STATE.split(", "))


# A state that the person does not have yet is as old as its log says, so that a library keeps its order.
PUT_STATES = Query(
    _statement(
        "INSERT INTO monocoque_media.user_item_states AS mine "  # noqa: S608  our names
        f"(owner_id, item_id, {_STATE}, created_at, updated_at) "
        f"SELECT :owner_id, item_id, {_STATE}, least(since, now()), least(at, now()) "
        "FROM jsonb_to_recordset(:rows) AS given "
        f"(item_id uuid, {_STATE_TYPES}, since timestamptz, at timestamptz) "
        f"ON CONFLICT (owner_id, item_id) DO UPDATE SET {_STATE_SET}, version = mine.version + 1, updated_at = now()",
        owner_id=Uuid,
        rows=JSONB,
    )
)
ADD_LOG = Query(
    _statement(
        f"INSERT INTO monocoque_media.state_log (id, owner_id, item_id, at, action, {_STATE}) "  # noqa: S608  our names
        f"SELECT id, :owner_id, item_id, COALESCE(at, now()), action, {_STATE} FROM jsonb_to_recordset(:rows) AS given "
        f"(id uuid, item_id uuid, at timestamptz, action text, {_STATE_TYPES}) "
        "WHERE at IS NULL OR NOT EXISTS ("
        "SELECT FROM monocoque_media.state_log entry WHERE entry.owner_id = :owner_id "
        "AND entry.item_id = given.item_id AND entry.at = given.at AND entry.action = given.action "
        f"AND ({_of('entry')}) IS NOT DISTINCT FROM ({_of('given')})) "
        "RETURNING item_id",
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
