"""Words by which a search completes and corrects are those of living items."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import asyncpg
from fastapi import FastAPI

from monocoque_media import word_service
from tests.modules.media.catalogue import enter, met
from tests.support import Person


async def sweep(app: FastAPI) -> None:
    for part in range(word_service.PARTS):
        await word_service.drop_unused_words(app.state.runtime.database, part)


async def known(app: FastAPI, *words: str) -> set[str]:
    async with app.state.runtime.database.connection() as connection:
        rows = await connection.fetch("SELECT word FROM monocoque_media.words WHERE word = ANY($1)", list(words))
    return {row["word"] for row in rows}


async def test_words_go_with_the_last_living_item_that_has_them_and_come_back_with_it(
    app: FastAPI, owner: Person
) -> None:
    shared, once, renamed, sign = (f"{name}{uuid4().hex}" for name in ("shared", "once", "renamed", "a%b\\c_"))
    first = await enter(owner, title=f"{shared} {once} {sign}")
    second = await enter(owner, title=f"{shared} {renamed}")
    assert await known(app, shared, once, renamed, sign) == {shared, once, renamed, sign}
    assert (await owner.patch(f"/media/items/{second['id']}", json={"title": shared})).status_code == 200
    await sweep(app)
    assert await known(app, shared, once, renamed, sign) == {shared, once, sign}
    path = f"/media/items/{first['id']}"
    assert (await owner.delete(path)).status_code == 204
    await sweep(app)
    assert await known(app, shared, once, renamed, sign) == {shared}
    assert (await owner.post(f"{path}/restore")).status_code == 200
    assert await known(app, shared, once, renamed, sign) == {shared, once, sign}


async def test_a_word_that_is_being_written_is_kept(app: FastAPI, owner: Person, worker_database_url: str) -> None:
    """The writer found the word there and relies on it, though nobody sees the item yet."""
    word = f"word{uuid4().hex}"
    gone = await enter(owner, title=word)
    assert (await owner.delete(f"/media/items/{gone['id']}")).status_code == 204
    writer = await asyncpg.connect(worker_database_url)
    transaction = writer.transaction()
    await transaction.start()
    await writer.execute(
        "INSERT INTO monocoque_media.items (id, media_type, title) VALUES (gen_random_uuid(), 'book', $1)", word
    )
    sweeping = asyncio.create_task(sweep(app))
    async with app.state.runtime.database.connection() as connection:
        await met(
            connection,
            # The databases of other workers are copies of the same one, whose tables have the same numbers.
            "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database "
            "WHERE datname = current_database() AND NOT granted AND relation = 'monocoque_media.words'::regclass)",
        )
    await transaction.commit()
    await sweeping
    await writer.close()
    assert await known(app, word) == {word}
