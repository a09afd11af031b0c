"""Which item each row of an import means."""

from __future__ import annotations

from sqlalchemy import Boolean, String, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from monocoque.queries import Query

# For one transaction: an import makes tables grow under its own statements, so a plan of the first chunk is none for
# the last, and what the planner knows of the tables is old. For the same reason OFFSET 0 keeps it from any but the one
# index that fits, titles are compared by the operators of that index alone, and rows are taken from an index as they
# come: of those of one identity, of which there may be as many as rows of the file, only the last is looked at.
PLAN_ANEW = Query(
    text(
        "SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_seqscan', 'off', true), "
        "set_config('enable_bitmapscan', 'off', true)"
    )
)

# What an item leads to that may have been merged, as long as it is there and of the type of the row.
_LIVING = """
    CROSS JOIN LATERAL (
      SELECT * FROM monocoque_media.items WHERE id = COALESCE(item.merged_into, item.id) OFFSET 0
    ) AS living
    WHERE living.deleted_at IS NULL AND living.media_type = given.media_type"""
_FOR_ANYONE = "(living.created_by IS NULL OR living.created_by = :owner_id)"
# What a file calls by another name is another thing, however much else is the same. In another file a name may be that
# of another edition, unless the service gives each work one name and no other.
_NAMED_OTHERWISE = """
    EXISTS (
      SELECT FROM (
        SELECT entry.identity, entry.import_id FROM monocoque_media.import_rows entry
        WHERE entry.item_id = living.id LIMIT 1000
      ) AS used
      WHERE used.identity <> decode(given.identity, 'hex') AND (
        used.import_id = :import_id OR (:lasting AND EXISTS (
          SELECT FROM monocoque_media.imports WHERE id = used.import_id AND owner_id = :owner_id AND format = :format
        ))
      )
    )"""

# What the person imported under the same name or word for word before comes first, then our own id, then what a source
# or an ISBN says: that is certain. Then title and type with a creator or a year that agree, unless an ISBN, a source,
# or whether it is a track or an album, tells the two apart. The catalogue's entries and the person's own count; those
# of somebody else do not, except where the row names one by its id.
MATCH = Query(
    text(
        f"""
        SELECT given.place, known.is_there IS NOT NULL AS seen, certain.item_id AS certain,
          CASE WHEN certain.item_id IS NULL AND NOT (given.own AND given.item_id IS NOT NULL) THEN (
            SELECT CASE
              WHEN given.creator IS NOT NULL OR given.year IS NOT NULL OR bool_or(living.created_by IS NOT NULL)
                OR count(*) = 1
              THEN (array_agg(living.id ORDER BY living.created_by IS NULL, living.id))[1]
            END
            FROM (
              SELECT * FROM monocoque_media.items entry
              WHERE lower(entry.title) ~>=~ lower(given.title) AND lower(entry.title) ~<=~ lower(given.title)
              LIMIT 1000
            ) AS living
            WHERE living.media_type = given.media_type AND living.deleted_at IS NULL AND {_FOR_ANYONE}
              AND CASE
                WHEN given.creator IS NULL OR living.creators = ''
                THEN given.year IS NOT DISTINCT FROM extract(year FROM living.release_date)
                  OR (given.year IS NULL AND given.creator IS NULL)
                ELSE strpos(', ' || lower(living.creators) || ', ', ', ' || lower(given.creator) || ', ') > 0
                  AND (given.year IS NULL OR living.release_date IS NULL
                    OR given.year = extract(year FROM living.release_date))
              END
              AND NOT EXISTS (
                SELECT FROM monocoque_media.book_items other
                WHERE other.item_id = living.id AND other.isbn_13 <> given.isbn_13
              )
              AND NOT EXISTS (
                SELECT FROM monocoque_media.music_items other
                WHERE other.item_id = living.id AND other.kind <> given.kind
              )
              AND NOT EXISTS (
                SELECT FROM jsonb_to_recordset(given.sources) AS named (source text, kind text, external_id text)
                JOIN monocoque_media.sources other ON other.item_id = living.id AND other.source = named.source
                  AND other.kind = named.kind AND other.external_id <> named.external_id
              )
              AND NOT {_NAMED_OTHERWISE}
          ) END AS likely
        FROM jsonb_to_recordset(:rows) AS given (
          place int, digest text, former_digest text, identity text, item_id uuid, own boolean, media_type text,
          title text, kind text, year int, creator text, isbn_13 text, sources jsonb
        )
        LEFT JOIN LATERAL (
          SELECT entry.item_id, true AS is_there
          FROM (
            SELECT * FROM monocoque_media.import_rows entry
            WHERE entry.digest = ANY(ARRAY[decode(given.digest, 'hex'), decode(given.former_digest, 'hex')]) OFFSET 0
          ) AS entry
          WHERE entry.status IN ('imported', 'unchanged') LIMIT 1
        ) AS known ON true
        CROSS JOIN LATERAL (SELECT COALESCE(
            (
              SELECT living.id
              FROM (
                SELECT * FROM monocoque_media.import_rows entry
                WHERE entry.identity = decode(given.identity, 'hex')
                ORDER BY entry.identity DESC, entry.import_id DESC OFFSET 0
              ) AS named
              CROSS JOIN LATERAL (SELECT * FROM monocoque_media.items WHERE id = named.item_id OFFSET 0) AS item
              {_LIVING}
              LIMIT 1
            ),
            (
              SELECT living.id
              FROM (SELECT * FROM monocoque_media.items WHERE id = known.item_id OFFSET 0) AS item
              {_LIVING}
            ),
            (
              SELECT living.id
              FROM (SELECT * FROM monocoque_media.items WHERE id = given.item_id OFFSET 0) AS item
              {_LIVING}
                AND (NOT given.own OR item.created_by = :owner_id)
            ),
            CASE WHEN NOT (given.own AND given.item_id IS NOT NULL) THEN COALESCE(
              (
                SELECT living.id
                FROM jsonb_to_recordset(given.sources) AS named (source text, kind text, external_id text)
                CROSS JOIN LATERAL (
                  SELECT entry.item_id FROM monocoque_media.sources entry
                  WHERE entry.source = named.source AND entry.kind = named.kind
                    AND entry.external_id = named.external_id OFFSET 0
                ) AS source
                CROSS JOIN LATERAL (SELECT * FROM monocoque_media.items WHERE id = source.item_id OFFSET 0) AS item
                {_LIVING} AND {_FOR_ANYONE}
                LIMIT 1
              ),
              (
                SELECT living.id
                FROM (
                  SELECT entry.item_id FROM monocoque_media.book_items entry
                  WHERE entry.isbn_13 = given.isbn_13 OFFSET 0
                ) AS book
                CROSS JOIN LATERAL (SELECT * FROM monocoque_media.items WHERE id = book.item_id OFFSET 0) AS item
                {_LIVING} AND {_FOR_ANYONE}
                  AND NOT (given.item_id IS NOT NULL AND {_NAMED_OTHERWISE})
                ORDER BY item.merged_into IS NOT NULL, living.created_by IS NULL, living.id LIMIT 1
              )
            ) END
          ) AS item_id OFFSET 0
        ) AS certain
        """  # noqa: S608  our own words
    ).bindparams(
        bindparam("owner_id", type_=Uuid),
        bindparam("import_id", type_=Uuid),
        bindparam("format", type_=String),
        bindparam("lasting", type_=Boolean),
        bindparam("rows", type_=JSONB),
    )
)
