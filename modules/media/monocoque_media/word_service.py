"""Letting go of words that a search would complete or correct to, and then find nothing."""

from __future__ import annotations

from functools import partial

from monocoque.database import Database, Transaction
from monocoque_media.queries import words as queries

PARTS = queries.PARTS
_AT_ONCE = 500


async def drop_unused_words(database: Database, part: int) -> None:
    """Drop those of one part of all words that no living item has; an item that is restored brings its words back."""
    unused = [row["word"] for row in await database.all(queries.UNUSED, part=part)]
    for begin in range(0, len(unused), _AT_ONCE):
        await database.transact(partial(_drop, words=unused[begin : begin + _AT_ONCE]))


async def _drop(transaction: Transaction, *, words: list[str]) -> None:
    await transaction.run(queries.LOCK)
    await transaction.run(queries.DROP, words=words)
