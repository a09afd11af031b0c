"""A made-up catalogue of any size, the same each time: words as frequent as in real titles, filled in by COPY."""

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

import asyncpg

from bench.load import Case, request

CHUNK = 20_000
VOCABULARY = 50_000
MEDIA_TYPES = ("book", "movie", "tv", "game", "music")
SCHEMA = "monocoque_media"
ITEM_COLUMNS = (
    "id",
    "media_type",
    "title",
    "description",
    "release_date",
    "release_precision",
    "metadata",
    "creators",
)
SOURCE_COLUMNS = ("id", "item_id", "source", "kind", "external_id", "raw_payload")
DETAIL_COLUMNS = {
    "book": ("item_id", "authors", "page_count", "isbn_13"),
    "movie": ("item_id", "tmdb_type", "directors", "runtime"),
    "tv": ("item_id", "tmdb_type", "directors", "runtime"),
    "game": ("item_id", "developers"),
    "music": ("item_id", "kind", "artist"),
}
_TABLES = {"book": "book_items", "movie": "movie_items", "tv": "movie_items", "game": "game_items"}
_KINDS = {"book": "volume", "movie": "movie", "tv": "tv", "game": "game", "music": "track"}
# fmt: off
_FREQUENT = [
    "the", "of", "a", "and", "in", "to", "for", "on", "with", "my",
    "from", "at", "love", "night", "world", "no", "man", "last", "life", "story",
]
# fmt: on
_ONSETS = [*"bcdfghklmnprstvw", "br", "cr", "dr", "fl", "gr", "pl", "st", "tr"]
_SYLLABLES = [f"{onset}{vowel}{coda}" for onset in _ONSETS for vowel in "aeiou" for coda in ("", "n", "r", "s", "l")]
_TITLE_LENGTHS = (1, 2, 2, 3, 3, 3, 4, 4, 5, 6, 7)
_DESCRIPTION = "Told over several generations, it follows people who leave, and what becomes of the place they left. "


class FillError(Exception):
    """A catalogue that is not to be filled."""


@cache
def vocabulary() -> tuple[str, ...]:
    """Words by falling frequency: a few that every catalogue is full of, then made-up ones."""
    rng = random.Random(1)
    words = dict.fromkeys(_FREQUENT)
    while len(words) < VOCABULARY:
        words["".join(rng.choices(_SYLLABLES, k=rng.choice((1, 2, 2, 2, 3, 3))))] = None
    return tuple(words)


def item_id(number: int) -> UUID:
    """The id of item `number`: a UUIDv7 of the year 2024 that is the same in each run."""
    noise = random.Random(number).getrandbits(74)
    return UUID(int=(1_704_067_200_000 + number) << 80 | 7 << 76 | (noise >> 62) << 64 | 2 << 62 | noise & (2**62 - 1))


def titles(count: int) -> Iterator[list[str]]:
    """The words of each title: the n-th most frequent word is n times as rare as the first (Zipf)."""
    words = vocabulary()
    weights = list(itertools.accumulate(1 / rank for rank in range(1, len(words) + 1)))
    rng = random.Random(2)
    for _ in range(count):
        yield rng.choices(words, cum_weights=weights, k=rng.choice(_TITLE_LENGTHS))


def items(count: int) -> Iterator[dict[str, Any]]:
    """The items, with their details and their source."""
    words = vocabulary()
    rng = random.Random(3)
    for number, title in enumerate(titles(count)):
        media_type = MEDIA_TYPES[number % len(MEDIA_TYPES)]
        name = " ".join(words[20 + int(rng.random() ** 2 * 20_000)].capitalize() for _ in range(2))
        yield {
            "id": item_id(number),
            "media_type": media_type,
            "title": " ".join(title).capitalize(),
            "description": _DESCRIPTION,
            "release_date": date(1950 + number % 75, 1, 1),
            "release_precision": "year",
            "metadata": '{"genres": ["drama"]}',
            "creators": name,
            "details": _details(media_type, item_id(number), number, name),
        }


def _details(media_type: str, item: UUID, number: int, name: str) -> tuple[Any, ...]:
    if media_type == "book":
        return (item, [name], 100 + number % 900, f"978{number % 10**10:010d}")
    if media_type in {"movie", "tv"}:
        return (item, media_type, [name], 80 + number % 90)
    return (item, [name]) if media_type == "game" else (item, "track", name)


async def write_out(url: str) -> None:
    """Have the server write to disk what was filled in, which it would do while something is measured."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def fill(url: str, count: int, *, announce: Callable[[int], None] = lambda _: None) -> None:
    """Fill the empty catalogue of a migrated database with `count` items; `announce` hears how many there are.

    The indexes are taken away first and made again at the end, which is several times as fast as keeping them; in one
    transaction, so that whoever breaks it off has lost nothing. Raises a FillError unless the catalogue is empty.
    """
    connection = await asyncpg.connect(url, command_timeout=None)
    try:
        async with connection.transaction():
            await _fill(connection, count, announce)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


async def _fill(connection: asyncpg.Connection, count: int, announce: Callable[[int], None]) -> None:
    if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {SCHEMA}.items)"):
        raise FillError("The catalogue of this database is not empty; a made-up one goes into one that is.")
    indexes = await connection.fetch(
        "SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index "
        "WHERE indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = $1::regnamespace) "
        "AND NOT indisunique AND indrelid <> ($1 || '.words')::regclass",
        SCHEMA,
    )
    await connection.execute("".join(f"DROP INDEX {index['name']};" for index in indexes))
    made = items(count)
    done = 0
    while chunk := list(itertools.islice(made, CHUNK)):
        await _copy(connection, chunk)
        done += len(chunk)
        announce(done)
    await connection.execute("SET LOCAL maintenance_work_mem = '256MB'")
    for index in indexes:
        await connection.execute(index["definition"])


async def _copy(connection: asyncpg.Connection, chunk: Sequence[dict[str, Any]]) -> None:
    async def copy(table: str, columns: Sequence[str], records: list[tuple[Any, ...]]) -> None:
        await connection.copy_records_to_table(table, schema_name=SCHEMA, columns=columns, records=records)

    await copy("items", ITEM_COLUMNS, [tuple(item[name] for name in ITEM_COLUMNS) for item in chunk])
    for media_type, columns in DETAIL_COLUMNS.items():
        details = [item["details"] for item in chunk if item["media_type"] == media_type]
        await copy(_TABLES.get(media_type, "music_items"), columns, details)
    sources = [
        (item["id"], item["id"], "bench", _KINDS[item["media_type"]], item["id"].hex, '{"id": 1}') for item in chunk
    ]
    await copy("sources", SOURCE_COLUMNS, sources)


def searches(count: int, *, token: str, path: str, requests: int = 2000) -> Case:
    """Searches for three words of a title each, in any order; one in five breaks off within its last word."""
    rng = random.Random(4)
    long = [title for title in titles(min(count, 200_000)) if len(set(title)) >= 3]
    asked = []
    for _ in range(requests):
        words = rng.sample(sorted(set(rng.choice(long))), 3)
        if rng.random() < 0.2 and len(words[2]) > 4:
            words[2] = words[2][:4]
        asked.append("+".join(words))
    headers = {"Authorization": f"Bearer {token}"}
    return Case("search", [request("GET", f"{path}?q={words}", headers=headers) for words in asked], 200)
