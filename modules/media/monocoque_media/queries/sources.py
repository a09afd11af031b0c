"""Where items are known outside: looking them up, and taking in what sources tell, many at a time.

The statements that take a whole batch are text: each is one INSERT or UPDATE a table, fed from one JSON array.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ARRAY, Boolean, Integer, Text, Uuid, and_, bindparam, func, or_, select, text
from sqlalchemy.dialects.postgresql import JSONB

from monocoque.queries import Query
from monocoque.statements import parameter, touched
from monocoque_media.models import SCHEMA, MediaItem, Source

_items = MediaItem.metadata.tables[f"{SCHEMA}.items"]
_sources = Source.metadata.tables[f"{SCHEMA}.sources"]

LOCK_SPACE = 0x6D656469
LOCK_STRIPES = 128

_GIVEN = """
    id uuid, media_type text, title text, subtitle text, description text, release_date date, release_precision text,
    cover_image_url text, metadata jsonb, creators text, details jsonb
"""
_DETAILS = {
    "book_items": "authors text[], page_count int, isbn_10 text, isbn_13 text, publisher text, language text",
    "movie_items": "tmdb_type text, runtime int, directors text[], original_title text",
    "game_items": "platforms text[], developers text[], publishers text[]",
    "music_items": "kind text, artist text, album text, track_number int, duration_ms int",
}
_TYPES = {
    "book_items": "('book')",
    "movie_items": "('movie', 'tv')",
    "game_items": "('game')",
    "music_items": "('music')",
}
_CREATORS = {
    "book_items": "array_to_string(kept.authors, ', ')",
    "movie_items": "array_to_string(kept.directors, ', ')",
    "game_items": "array_to_string(kept.developers, ', ')",
    "music_items": "coalesce(kept.artist, '')",
}


def _names(columns: str) -> list[str]:
    return [column.split()[0] for column in columns.split(", ")]


_living = _items.alias("living")
FIND = Query(
    select(_living.c.id)
    .select_from(_sources)
    .join(_items, _items.c.id == _sources.c.item_id)
    .join(_living, _living.c.id == func.coalesce(_items.c.merged_into, _items.c.id))
    .where(
        _sources.c.source == parameter(_sources.c.source),
        _sources.c.external_id == parameter(_sources.c.external_id),
        _living.c.deleted_at.is_(None),
    )
)
LIVING = Query(
    select(_living.c.id)
    .select_from(_items)
    .join(_living, _living.c.id == func.coalesce(_items.c.merged_into, _items.c.id))
    .where(_items.c.id == parameter(_items.c.id), _living.c.deleted_at.is_(None))
)
OF_ITEM = Query(
    select(_sources.c.source, _sources.c.external_id)
    .where(_sources.c.item_id == parameter(_sources.c.item_id))
    .order_by(_sources.c.id)
)

# In ascending order, so that two batches wait for each other and never in a circle; held to the transaction's end.
LOCK = Query(
    text(
        f"SELECT pg_advisory_xact_lock({LOCK_SPACE}, stripe) FROM unnest(:stripes) AS stripe"  # noqa: S608  a constant
    ).bindparams(bindparam("stripes", type_=ARRAY(Integer)))
)
# What may be taken for the thing that a source tells of: what is alive, and what was deleted and entered by nobody.
_THERE = "(living.deleted_at IS NULL OR living.created_by IS NULL)"
# By the source's own id, else by the ISBN, which anyone can claim: an entry of somebody else's is not known by it. One
# that was merged counts as what it was merged into, one that was deleted and that a person had entered as unknown.
KNOWN = Query(
    text(
        f"""
        SELECT
            given.place, by_source.item_id AS by_source, by_isbn.item_id AS by_isbn,
            array_remove(ARRAY[by_source.aside, by_isbn.aside], NULL) AS aside
        FROM unnest(:sources, :kinds, :external_ids, :isbns)
            WITH ORDINALITY AS given (source, kind, external_id, isbn, place)
        LEFT JOIN LATERAL (
            SELECT living.id AS item_id, CASE WHEN living.deleted_at IS NOT NULL THEN living.id END AS aside
            FROM {SCHEMA}.sources JOIN {SCHEMA}.items ON items.id = sources.item_id
            JOIN {SCHEMA}.items AS living ON living.id = coalesce(items.merged_into, items.id)
            WHERE sources.source = given.source AND sources.kind = given.kind
                AND sources.external_id = given.external_id AND {_THERE}
        ) AS by_source ON true
        LEFT JOIN LATERAL (
            SELECT living.id AS item_id, CASE WHEN living.deleted_at IS NOT NULL THEN living.id END AS aside
            FROM {SCHEMA}.book_items JOIN {SCHEMA}.items ON items.id = book_items.item_id
            JOIN {SCHEMA}.items AS living ON living.id = coalesce(items.merged_into, items.id)
            WHERE book_items.isbn_13 = given.isbn AND {_THERE}
                AND (living.created_by IS NULL OR living.created_by = :user_id)
            ORDER BY living.deleted_at IS NOT NULL, items.merged_into IS NOT NULL, living.id LIMIT 1
        ) AS by_isbn ON true
        ORDER BY given.place
        """  # noqa: S608  the schema's name is a constant
    ).bindparams(
        *(bindparam(name, type_=ARRAY(Text)) for name in ("sources", "kinds", "external_ids")),
        bindparam("isbns", type_=ARRAY(Text)),
        bindparam("user_id", type_=Uuid),
    )
)


def _details_inserts() -> Iterable[str]:
    for table, columns in _DETAILS.items():
        names = ", ".join(_names(columns))
        yield (
            f"new_{table} AS (INSERT INTO {SCHEMA}.{table} (item_id, {names}) "  # noqa: S608  names of our own tables
            f"SELECT given.id, {', '.join(f'details.{name}' for name in _names(columns))} "
            f"FROM given, jsonb_to_record(given.details) AS details ({columns}) "
            f"WHERE given.media_type IN {_TYPES[table]})"
        )


CREATE = Query(
    text(
        f"""
        WITH given AS MATERIALIZED (SELECT * FROM jsonb_to_recordset(:items) AS given ({_GIVEN})),
        new_items AS (
            INSERT INTO {SCHEMA}.items (
                id, media_type, title, subtitle, description, release_date, release_precision, cover_image_url,
                metadata, creators
            )
            SELECT
                id, media_type, title, subtitle, description, release_date, release_precision, cover_image_url,
                metadata, creators
            FROM given
        ),
        {", ".join(_details_inserts())}
        INSERT INTO {SCHEMA}.sources (id, item_id, source, kind, external_id, url, raw_payload)
        SELECT id, item_id, source, kind, external_id, url, raw_payload
        FROM jsonb_to_recordset(:sources) AS source (
            id uuid, item_id uuid, source text, kind text, external_id text, url text, raw_payload jsonb
        )
        ON CONFLICT (source, kind, external_id) DO UPDATE SET
            item_id = excluded.item_id, url = excluded.url, raw_payload = excluded.raw_payload, fetched_at = now()
        """  # noqa: S608  names of our own tables
    ).bindparams(bindparam("items", type_=JSONB), bindparam("sources", type_=JSONB))
)


def _kept(present: str, given: str, name: str) -> str:
    """A column afterwards: locked, it stays; empty, or with :replace, it takes what was given, if anything."""
    empty = "'{}'" if name in _LISTS else "NULL"
    return (
        f"CASE WHEN '{name}' = ANY(items.locked_fields) OR {given}.{name} IS NOT DISTINCT FROM {empty} "
        f"THEN {present}.{name} WHEN :replace OR {present}.{name} IS NOT DISTINCT FROM {empty} "
        f"THEN {given}.{name} ELSE {present}.{name} END"
    )


_LISTS = frozenset(("authors", "directors", "platforms", "developers", "publishers"))
_FIXED = frozenset(("tmdb_type", "kind"))
_ISBN_TAKEN = (
    "NOT items.locked_fields && ARRAY['isbn_10', 'isbn_13'] AND details.isbn_13 IS NOT NULL "
    "AND (:replace OR present.isbn_13 IS NULL)"
)
_RELEASE_TAKEN = (
    "NOT 'release_date' = ANY(items.locked_fields) AND given.release_date IS NOT NULL "
    "AND (:replace OR items.release_date IS NULL)"
)


def _details_value(name: str) -> str:
    if name in {"isbn_10", "isbn_13"}:
        # The two forms of one number: taken together, or not at all.
        return f"CASE WHEN {_ISBN_TAKEN} THEN details.{name} ELSE present.{name} END"
    return _kept("present", "details", name)


def _details_updates() -> Iterable[str]:
    for table, columns in _DETAILS.items():
        names = [name for name in _names(columns) if name not in _FIXED]
        values = ", ".join(f"{_details_value(name)} AS {name}" for name in names)
        row, kept = (", ".join(f"{prefix}.{name}" for name in names) for prefix in ("old", "kept"))
        yield (
            f"new_{table} AS (UPDATE {SCHEMA}.{table} AS old "  # noqa: S608  names of our own tables
            f"SET {', '.join(f'{name} = kept.{name}' for name in names)} FROM ("
            f"SELECT present.item_id, {values} FROM given JOIN living AS items ON items.id = given.id "
            f"JOIN {SCHEMA}.{table} AS present ON present.item_id = given.id "
            f"CROSS JOIN jsonb_to_record(given.details) AS details ({columns})) AS kept "
            f"WHERE old.item_id = kept.item_id AND ({row}) IS DISTINCT FROM ({kept}) "
            f"RETURNING old.item_id, {_CREATORS[table]} AS creators)"
        )


_TAKEN = ("title", "subtitle", "description", "cover_image_url")
_VALUES = {
    **{name: _kept("items", "given", name) for name in _TAKEN},
    "release_date": f"CASE WHEN {_RELEASE_TAKEN} THEN given.release_date ELSE items.release_date END",
    "release_precision": f"CASE WHEN {_RELEASE_TAKEN} THEN given.release_precision ELSE items.release_precision END",
    "metadata": (
        "CASE WHEN 'metadata' = ANY(items.locked_fields) THEN items.metadata WHEN :replace "
        "THEN items.metadata || given.metadata ELSE given.metadata || items.metadata END"
    ),
}

_these = _items.c.id == func.any(bindparam("ids", type_=ARRAY(Uuid)))
_aside = and_(_items.c.deleted_at.is_not(None), _items.c.created_by.is_(None), _items.c.merged_into.is_(None))
_held = (
    select(_items.c.id)
    .where(
        _these,
        or_(
            _items.c.deleted_at.is_(None),
            and_(_items.c.id == func.any(bindparam("aside", type_=ARRAY(Uuid))), _aside),
        ),
    )
    .order_by(_items.c.id)
    .with_for_update(key_share=True)
    .cte("held")
)
_back = (
    _items.update()
    .where(_items.c.id == _held.c.id, _items.c.deleted_at.is_not(None))
    .values(deleted_at=None, **touched(_items))
    .cte("back")
)
# Before the next statement, so that it sees whatever a person's edit or a merge did to these rows, or makes it wait;
# what is aside is brought back.
HOLD = Query(select(_held.c.id).add_cte(_back))
# Only what changes counts as a new version.
COMPLETE = Query(
    text(
        f"""
        WITH given AS MATERIALIZED (SELECT * FROM jsonb_to_recordset(:items) AS given ({_GIVEN})),
        living AS (SELECT items.* FROM {SCHEMA}.items JOIN given USING (id, media_type)),
        {", ".join(_details_updates())},
        changed AS ({" UNION ALL ".join(f"SELECT * FROM new_{table}" for table in _DETAILS)}),
        kept AS (
            SELECT items.id, {", ".join(f"{value} AS {name}" for name, value in _VALUES.items())},
                coalesce(changed.creators, items.creators) AS creators, changed.item_id IS NOT NULL AS changed
            FROM living AS items JOIN given ON given.id = items.id LEFT JOIN changed ON changed.item_id = items.id
        )
        UPDATE {SCHEMA}.items AS old
        SET {", ".join(f"{name} = kept.{name}" for name in (*_VALUES, "creators"))},
            version = old.version + 1, updated_at = now()
        FROM kept
        WHERE old.id = kept.id AND (
            kept.changed OR ({", ".join(f"old.{name}" for name in _VALUES)})
                IS DISTINCT FROM ({", ".join(f"kept.{name}" for name in _VALUES)})
        )
        """  # noqa: S608  names of our own tables
    ).bindparams(bindparam("items", type_=JSONB), bindparam("replace", type_=Boolean))
)
