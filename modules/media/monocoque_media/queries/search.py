"""The search of the catalogue: candidates from cheap indexes first, dearer ones only while too few were found.

What a conjunction of words costs is the length of their lists in the index, so that common words would cost what the
catalogue is large. Items are therefore listed under every two of their words as well, and those lists are short. Where
even they are long, a sixteenth of the catalogue is searched first, and the whole of it only where that gave less than
was asked for: of hundreds that fit equally well, which are shown is nobody's promise. Items of very many words have a
mark instead of pairs, and are few. What has the title that was asked for, or begins with it, is found by a list of its
own. Who asks for nothing but the signs %, _ and \\ means those, wherever in a title they stand.

The statement is text: as expressions it would be three times as long, and its order is what it is about.
"""

from __future__ import annotations

from typing import Any, get_args

from sqlalchemy import ARRAY, ColumnElement, Integer, String, Text, Uuid, bindparam, func, literal_column, select, text

from monocoque.queries import Query
from monocoque_media.contracts import MediaType
from monocoque_media.models import SCHEMA

CANDIDATES = 100
_TYPES = ",".join(get_args(MediaType))
_COMPLETIONS = 50
_CORRECTIONS = 30
_SIMILARITY: ColumnElement[Any] = literal_column("'0.2'")
_PATIENCE: ColumnElement[Any] = literal_column("'1000'")
# Sorts behind whatever a prefix can be followed by.
_LAST = "U&'\\+10FFFF'"
# Read from a CTE, the parameters are unknown to the planner: it makes one plan that is good for all of them and keeps
# it, where it would make a new one for each search, which takes longer than the search.
_Q, _TYPE, _YEAR, _CORRECTED, _LIMIT = (
    f"(SELECT {name} FROM given)"  # noqa: S608  names of our own
    for name in ("q", "type", "year", "corrected", "most")
)
_FITS = f"({_TYPE} IS NULL OR media_type = {_TYPE}) AND ({_YEAR} IS NULL OR date_part('year', release_date) = {_YEAR})"
_BEGINS = f"lower(title) ~>=~ lower({_Q}) AND lower(title) ~<~ (lower({_Q}) || {_LAST})"


def _begun(which: str) -> str:
    """The titles of some kind that begin as was asked for, in the order of the index of that kind."""
    return (
        f"(SELECT id FROM {SCHEMA}.items WHERE {which} AND {_BEGINS} AND deleted_at IS NULL "  # noqa: S608  our own text
        f"ORDER BY lower(title) USING ~<~ LIMIT {CANDIDATES})"
    )


def _joined(lexemes: str, sign: str) -> str:
    quoted = "'''' || replace(lexeme, '\\', '\\\\') || ''''"
    return f"(SELECT string_agg({quoted}, '{sign}') FROM unnest({lexemes}) AS lexeme)"  # noqa: S608  our own text


def _all(lexemes: str) -> str:
    """The text of a tsquery for every one of an array of lexemes, NULL for none."""
    return _joined(lexemes, " & ")


def _any(lexemes: str) -> str:
    """The text of a tsquery for at least one of them, in brackets, NULL for none."""
    return f"'(' || {_joined(lexemes, ' | ')} || ')'"


# An item is listed under each of the signs that its title has.
_SIGNS = "ARRAY(SELECT DISTINCT 'has:' || sign FROM unnest(words) AS word, regexp_split_to_table(word, '') AS sign)"
_PAIRS = _all(f"{SCHEMA}.search_pairs(others[1 : 8])")
_TELLING = (
    "filters <> '{}' AND NOT EXISTS (SELECT FROM unnest(ARRAY['type:', 'year:', 'has:']) AS other WHERE other ^@ last)"
)
_LAST_BEGUN = f"{_all('ARRAY[last]')} || ':*'"


def _again(asked: str) -> str:
    # A pair may stand for others too. Written so that the index is not asked twice.
    return f"(search || CAST('' AS tsvector)) @@ (SELECT whole FROM {asked})"  # noqa: S608  a name of our own


# $corrected replaces the words of the query where those found nothing; $extra are further candidates, by id.
_SEARCH = text(
    f"""
    WITH given AS MATERIALIZED (
        SELECT
            :q AS q, :ids AS ids, :type AS type, :year AS year, :isbn AS isbn, :corrected AS corrected,
            :extra AS extra, :limit AS most, {SCHEMA}.search_words(:q) AS words,
            -- A bare number may be the name of something as well as somebody's number for it.
            :isbn IS NOT NULL OR :q !~ '^[0-9]+$' AS certain,
            array_remove(ARRAY['type:' || :type, 'year:' || :year], NULL) AS filters
    ), asked AS MATERIALIZED (
        SELECT
            words[cardinality(words)] AS last, words[1 : cardinality(words) - 1] AS others, filters,
            CAST(coalesce(corrected, {_all("words || filters")}) AS tsquery) AS whole,
            CAST(
                coalesce(
                    corrected,
                    concat_ws(
                        ' & ',
                        coalesce({_all(f"{SCHEMA}.search_pairs(words[1 : 8])")}, {_all("words")}), {_all("filters")}
                    )
                ) AS tsquery
            ) AS quick,
            CAST({_all("words || filters || CAST('#long' AS text)")} AS tsquery) AS long
        FROM given WHERE words <> '{{}}'
    ), signs AS MATERIALIZED (
        SELECT words, CAST({_all(_SIGNS + " || filters")} AS tsquery) AS quick FROM given
        WHERE words <> '{{}}' AND array_to_string(words, '') !~ '[^%_\\\\]'
    ), named AS MATERIALIZED (
        SELECT coalesce(items.merged_into, items.id) AS id
        FROM (
            SELECT item_id FROM {SCHEMA}.sources WHERE external_id = ANY (CAST((SELECT ids FROM given) AS text[]))
            UNION
            SELECT item_id FROM {SCHEMA}.book_items WHERE isbn_13 = (SELECT isbn FROM given)
        ) AS known
        CROSS JOIN LATERAL (SELECT * FROM {SCHEMA}.items WHERE id = known.item_id OFFSET 0) AS items
    ), begun AS MATERIALIZED (
        {_begun(f"{_TYPE} IS NULL AND {_YEAR} IS NULL")}
        UNION ALL
        {_begun(f"{_TYPE} IS NOT NULL AND {_YEAR} IS NULL AND media_type = {_TYPE}")}
        UNION ALL
        SELECT those.id FROM unnest(CAST('{{{_TYPES}}}' AS text[])) AS kind CROSS JOIN LATERAL (
            {_begun(f"media_type = kind AND date_part('year', release_date) = {_YEAR}")}
        ) AS those WHERE {_YEAR} IS NOT NULL AND ({_TYPE} IS NULL OR kind = {_TYPE})
    ), signed AS MATERIALIZED (
        SELECT id FROM {SCHEMA}.items
        WHERE EXISTS (SELECT FROM signs) AND search @@ (SELECT quick FROM signs) AND deleted_at IS NULL
            AND NOT EXISTS (
                SELECT FROM unnest((SELECT words FROM signs)) AS word WHERE strpos(normalize(title, NFKD), word) = 0
            )
        LIMIT {CANDIDATES}
    ), sampled AS MATERIALIZED (
        SELECT id FROM {SCHEMA}.items
        WHERE (SELECT count(*) FROM begun) < {_LIMIT}
            AND search @@ (SELECT quick FROM asked) AND {_again("asked")}
            AND deleted_at IS NULL AND get_byte(uuid_send(id), 15) < 16
        LIMIT {CANDIDATES}
    ), matched AS MATERIALIZED (
        SELECT id FROM {SCHEMA}.items
        WHERE (SELECT greatest((SELECT count(*) FROM begun), (SELECT count(*) FROM sampled))) < {_LIMIT}
            AND search @@ (SELECT quick FROM asked) AND {_again("asked")} AND deleted_at IS NULL
        LIMIT {CANDIDATES}
    ), wordy AS (
        SELECT id FROM {SCHEMA}.items
        WHERE {_CORRECTED} IS NULL AND search @@ (SELECT long FROM asked) AND deleted_at IS NULL
        LIMIT {CANDIDATES}
    ), unfinished AS MATERIALIZED (
        SELECT
            last,
            CAST(concat_ws(' & ', {_all("others || filters")}, {_LAST_BEGUN}) AS tsquery) AS whole,
            -- Alone it is looked for among the filtered, unless what every item has would begin so too.
            CAST(
                concat_ws(
                    ' & ',
                    coalesce({_PAIRS}, {_all("others")}, CASE WHEN {_TELLING} THEN {_LAST_BEGUN} END),
                    {_all("filters")}
                ) AS tsquery
            ) AS quick
        FROM asked
        WHERE length(last) > 1 AND {_CORRECTED} IS NULL AND (SELECT count(*) FROM begun) < {_LIMIT}
            AND NOT EXISTS (SELECT FROM sampled) AND NOT EXISTS (SELECT FROM matched)
    ), completions AS MATERIALIZED (
        SELECT
            others, filters, {_any("words")} AS words,
            {_any(f"ARRAY(SELECT {SCHEMA}.search_pair(longest, word) FROM unnest(words) AS word)")} AS pairs
        FROM (
            SELECT
                others, filters,
                ARRAY(
                    SELECT word FROM {SCHEMA}.words WHERE word > last AND word < last || {_LAST}
                    ORDER BY length(word), word LIMIT {_COMPLETIONS}
                ) AS words,
                (SELECT word FROM unnest(others) AS word ORDER BY length(word) DESC LIMIT 1) AS longest
            FROM asked
        ) AS those
    ), completing AS MATERIALIZED (
        SELECT
            CAST(concat_ws(' & ', {_all("others || filters")}, words) AS tsquery) AS whole,
            CAST(concat_ws(' & ', {_PAIRS}, coalesce(pairs, words), {_all("filters")}) AS tsquery) AS quick
        FROM completions WHERE words IS NOT NULL
    ), completed AS MATERIALIZED (
        SELECT id FROM {SCHEMA}.items
        WHERE EXISTS (SELECT FROM unfinished)
            AND search @@ (SELECT quick FROM completing) AND {_again("completing")} AND deleted_at IS NULL
        LIMIT {CANDIDATES}
    ), continued AS (
        SELECT id FROM (
            SELECT id, search FROM {SCHEMA}.items
            WHERE NOT EXISTS (SELECT FROM completed)
                AND search @@ (SELECT quick FROM unfinished) AND deleted_at IS NULL
            LIMIT {2 * CANDIDATES}
        ) AS those
        WHERE search @@ (SELECT whole FROM unfinished) AND EXISTS (
            -- No word, such as the year, is what may begin so.
            SELECT FROM unnest(tsvector_to_array(search)) AS word
            WHERE word ^@ (SELECT last FROM unfinished) AND strpos(word, ':') = 0
        )
        LIMIT {CANDIDATES}
    ), found AS (
        SELECT id FROM named UNION SELECT id FROM begun UNION SELECT id FROM sampled UNION SELECT id FROM matched
        UNION SELECT id FROM wordy UNION SELECT id FROM completed UNION SELECT id FROM continued
        UNION SELECT id FROM signed
        UNION SELECT unnest((SELECT extra FROM given))
    ), ranked AS (
        SELECT
            id, media_type, title, subtitle, release_date, release_precision, cover_image_url, creators,
            CASE
                WHEN (SELECT certain FROM given) AND id IN (SELECT id FROM named) THEN 0
                WHEN lower(title) = lower({_Q}) THEN 1
                WHEN id IN (SELECT id FROM named) THEN 2
                WHEN {_BEGINS} THEN 3
                WHEN {_CORRECTED} IS NULL AND search @@ (SELECT whole FROM asked) THEN 4
                WHEN id IN (
                    SELECT id FROM completed UNION ALL SELECT id FROM continued UNION ALL SELECT id FROM signed
                ) THEN 5
                ELSE 6
            END AS rank
        FROM found JOIN {SCHEMA}.items USING (id)
        WHERE deleted_at IS NULL AND {_FITS}
    )
    SELECT
        id, media_type, title, subtitle,
        left(CAST(release_date AS text), CASE release_precision WHEN 'year' THEN 4 WHEN 'month' THEN 7 ELSE 10 END)
            AS release_date,
        cover_image_url, creators,
        (ARRAY['id', 'title', 'id', 'prefix', 'words', 'words', 'similar'])[rank + 1] AS match
    FROM ranked
    ORDER BY
        rank, CASE rank WHEN 6 THEN -similarity(lower(title), lower({_Q})) END, char_length(title), lower(title), id
    LIMIT {_LIMIT}
    """  # noqa: S608  names of our own schema
)
SEARCH = Query(
    _SEARCH.bindparams(
        bindparam("q", type_=Text),
        bindparam("ids", type_=ARRAY(Text)),
        bindparam("type", type_=Text),
        bindparam("year", type_=Integer),
        bindparam("isbn", type_=String),
        bindparam("corrected", type_=Text),
        bindparam("extra", type_=ARRAY(Uuid)),
        bindparam("limit", type_=Integer),
    )
)
# For this transaction: how alike two words have to be, and how long finding such ones may take.
LOOSEN = Query(
    select(
        func.set_config("pg_trgm.similarity_threshold", _SIMILARITY, literal_column("true")),
        func.set_config("statement_timeout", _PATIENCE, literal_column("true")),
    )
)
SIMILAR_WORDS = Query(
    text(
        f"""
        SELECT asked.word AS asked, near.word
        FROM (
            SELECT DISTINCT word FROM unnest(({SCHEMA}.search_words(:q))[1 : :words]) AS word WHERE length(word) > 2
        ) AS asked
        CROSS JOIN LATERAL (
            SELECT words.word FROM {SCHEMA}.words
            WHERE words.word % asked.word AND abs(length(words.word) - length(asked.word)) <= 2
            ORDER BY similarity(words.word, asked.word) DESC, words.word
            LIMIT {_CORRECTIONS}
        ) AS near
        """  # noqa: S608  names of our own schema
    ).bindparams(bindparam("q", type_=Text), bindparam("words", type_=Integer))
)
