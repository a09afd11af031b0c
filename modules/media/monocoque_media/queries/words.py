"""The statements that let go of words which no living item has any more; triggers collect them, and restore them."""

from __future__ import annotations

from sqlalchemy import ARRAY, Integer, Text, bindparam, text

from monocoque.queries import Query
from monocoque_media.models import SCHEMA

PARTS = 24
"""Of all words, of which one is looked at each time, so that a look stays short."""

_UNUSED = (
    f"NOT EXISTS (SELECT FROM {SCHEMA}.items WHERE items.deleted_at IS NULL "
    "AND items.search @@ CAST('''' || replace(words.word, '\\', '\\\\') || '''' AS tsquery))"
)
UNUSED = Query(
    text(
        f"SELECT word FROM {SCHEMA}.words "  # noqa: S608  names of our own schema
        f"WHERE mod(abs(hashtext(word)::bigint), {PARTS}) = :part AND {_UNUSED} LIMIT 10000"
    ).bindparams(bindparam("part", type_=Integer))
)
# Whoever writes an item holds a lock on the words until the end of the transaction, whether a word is new or not: after
# this there is nobody left who has relied on a word that is about to go.
LOCK = Query(text(f"LOCK TABLE {SCHEMA}.words IN SHARE ROW EXCLUSIVE MODE"))
DROP = Query(
    text(
        f"DELETE FROM {SCHEMA}.words WHERE word = ANY(:words) AND {_UNUSED}"  # noqa: S608  names of our own schema
    ).bindparams(bindparam("words", type_=ARRAY(Text)))
)
