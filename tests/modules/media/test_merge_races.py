"""What happens to an item while a source tells of it: the two come one after the other, and nothing is left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest

from monocoque.database import Transaction
from monocoque_media import merge_service
from monocoque_media.contracts import BookDetails, NormalisedItem
from monocoque_media.keeping_service import Upserted, keep, upsert
from monocoque_media.problems import NOT_FOUND
from monocoque_media.schemas.items import ItemRead
from tests.modules.media.catalogue import make_admin, met
from tests.modules.media.conftest import Outside, checked
from tests.modules.media.vendors import Reply, film
from tests.support import problem

ISBN = "9780141439471"
TOLD = NormalisedItem(
    media_type="book",
    title="Frankenstein",
    details=BookDetails(isbn_13=ISBN, page_count=280),
    source="open_shelf",
    kind="volume",
    external_id="b1",
    raw_payload={},
)
Write = Callable[[Transaction], Awaitable[Any]]


@asynccontextmanager
async def held_open(outside: Outside, write: Write) -> AsyncIterator[None]:
    """A transaction that has written and is not committed until the block is left."""
    written, ending = asyncio.Event(), asyncio.Event()

    async def act(transaction: Transaction) -> None:
        await write(transaction)
        written.set()
        await ending.wait()

    task = asyncio.ensure_future(outside.runtime.database.transact(act))
    await asyncio.wait([task, asyncio.ensure_future(written.wait())], return_when=asyncio.FIRST_COMPLETED)
    try:
        yield
    finally:
        ending.set()
        await task


async def stuck(outside: Outside) -> None:
    """Wait until some statement waits for a row of another transaction."""
    async with outside.runtime.database.connection() as connection:
        await met(
            connection,
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() "
            "AND wait_event_type = 'Lock' AND wait_event IN ('transactionid', 'tuple'))",
        )


def merging(outside: Outside, old: str, new: str) -> Write:
    user_id = outside.person.id
    assert user_id is not None

    async def merge(transaction: Transaction) -> None:
        await merge_service.merge_items(transaction, user_id, UUID(old), UUID(new))

    return merge


async def homes(outside: Outside) -> dict[str, str]:
    """The item of each source, by external id."""
    async with outside.runtime.database.connection() as connection:
        rows = await connection.fetch("SELECT external_id, item_id FROM monocoque_media.sources")
    return {row["external_id"]: str(row["item_id"]) for row in rows}


async def count(outside: Outside) -> int:
    async with outside.runtime.database.connection() as connection:
        found: int = await connection.fetchval("SELECT count(*) FROM monocoque_media.items")
        return found


async def test_a_source_told_while_its_item_is_merged_goes_where_the_item_went(outside: Outside) -> None:
    old, new = await outside.book("Frankenstein", details={"isbn_13": ISBN}), await outside.book("Frankenstein II")
    async with held_open(outside, merging(outside, old, new)):
        telling = asyncio.ensure_future(upsert(outside.runtime.database, [TOLD], user_id=outside.person.id))
        await stuck(outside)
    assert await telling == [Upserted(UUID(new), created=False)]
    assert await homes(outside) == {"b1": new}
    assert await count(outside) == 2
    item = checked(await outside.person.get(f"/media/items/{new}?include=details"), 200, ItemRead)
    assert item["details"]["page_count"] == 280


async def test_a_merge_takes_along_a_source_that_is_being_told(outside: Outside) -> None:
    old, new = await outside.book("Frankenstein", details={"isbn_13": ISBN}), await outside.book("Frankenstein II")

    async def tell(transaction: Transaction) -> None:
        assert await upsert(transaction, [TOLD], user_id=outside.person.id) == [Upserted(UUID(old), created=False)]

    async with held_open(outside, tell):
        merge = asyncio.ensure_future(outside.runtime.database.transact(merging(outside, old, new)))
        await stuck(outside)
    await merge
    assert await homes(outside) == {"b1": new}


async def test_a_source_told_while_its_item_is_deleted_makes_a_new_one(outside: Outside) -> None:
    old = await outside.book("Frankenstein", details={"isbn_13": ISBN})

    async def delete(transaction: Transaction) -> None:
        await transaction.connection.execute("UPDATE monocoque_media.items SET deleted_at = now() WHERE id = $1", old)

    async with held_open(outside, delete):
        telling = asyncio.ensure_future(upsert(outside.runtime.database, [TOLD], user_id=outside.person.id))
        await stuck(outside)
    [taken] = await telling
    assert taken.created
    assert await homes(outside) == {"b1": str(taken.item_id)}
    with pytest.raises(Exception, match=NOT_FOUND.detail):
        await keep(outside.runtime.database, "open_shelf", [TOLD], fetched=True, target=UUID(old))


async def test_a_source_told_while_its_own_item_is_deleted_brings_it_back(outside: Outside) -> None:
    database = outside.runtime.database
    [first] = await upsert(database, [TOLD])

    async def delete(transaction: Transaction) -> None:
        await transaction.connection.execute(
            "UPDATE monocoque_media.items SET deleted_at = now() WHERE id = $1", first.item_id
        )

    async with held_open(outside, delete):
        telling = asyncio.ensure_future(upsert(database, [TOLD], fetched=True))
        await stuck(outside)
    assert await telling == [Upserted(first.item_id, created=False)]
    checked(await outside.person.get(f"/media/items/{first.item_id}"), 200, ItemRead)
    await database.transact(delete)
    with pytest.raises(Exception, match=NOT_FOUND.detail):
        await keep(database, "open_shelf", [TOLD], fetched=True, target=first.item_id)
    assert (await outside.person.get(f"/media/items/{first.item_id}")).status_code == 404


async def test_the_isbn_of_what_was_merged_leads_to_what_it_was_merged_into(outside: Outside) -> None:
    old, new = await outside.book("Frankenstein", details={"isbn_13": ISBN}), await outside.book("Frankenstein II")
    await outside.runtime.database.transact(merging(outside, old, new))
    assert await upsert(outside.runtime.database, [TOLD], user_id=outside.person.id) == [
        Upserted(UUID(new), created=False)
    ]


async def test_many_merges_and_sources_at_once_leave_no_source_behind(outside: Outside) -> None:
    admin = await make_admin(outside.app, outside.person)
    for number in range(6):
        old, new = await outside.book("One", details={"isbn_13": ISBN}), await outside.book("Two")
        told = [replace(TOLD, source=f"shelf_{place}", external_id=f"{number}-{place}") for place in range(6)]
        tellings = [upsert(outside.runtime.database, [one], user_id=outside.person.id) for one in told]
        merge = admin.post(f"/media/items/{old}/merge", json={"into": new})
        results = await asyncio.gather(*tellings[:3], merge, *tellings[3:])
        reply = results[3]
        assert isinstance(reply, httpx.Response)
        assert reply.status_code == 200, reply.text
        assert set((await homes(outside)).values()) == {new}
        async with outside.runtime.database.connection() as connection:
            await connection.execute("DELETE FROM monocoque_media.items")


async def test_a_refresh_follows_an_item_that_is_merged_meanwhile(outside: Outside) -> None:
    person = outside.person
    old = checked(await person.post("/media/ingest/tmdb", json={"external_id": "movie/1"}), 201, ItemRead)["id"]
    new = checked(await person.post("/media/ingest/tmdb", json={"external_id": "movie/2"}), 201, ItemRead)["id"]
    news = film(1, title="Metropolis, restored", overview="A city of two levels.")
    answering = asyncio.Event()
    outside.vendors.always("tmdb", Reply(news, until=answering))
    refreshing = asyncio.ensure_future(person.post(f"/media/items/{old}/refresh"))
    await outside.vendors.asked("tmdb", 3)
    await outside.runtime.database.transact(merging(outside, old, new))
    answering.set()
    item = checked(await refreshing, 200, ItemRead)
    assert (item["id"], item["description"]) == (new, "A city of two levels.")
    assert set((await homes(outside)).values()) == {new}


async def test_a_refresh_of_an_item_that_is_deleted_meanwhile_is_a_404(outside: Outside) -> None:
    admin = await make_admin(outside.app, outside.person)
    item_id = checked(await admin.post("/media/ingest/tmdb", json={"external_id": "movie/1"}), 201, ItemRead)["id"]
    answering = asyncio.Event()
    outside.vendors.always("tmdb", Reply(film(1), until=answering))
    refreshing = asyncio.ensure_future(admin.post(f"/media/items/{item_id}/refresh"))
    await outside.vendors.asked("tmdb", 2)
    assert (await admin.delete(f"/media/items/{item_id}")).status_code == 204
    answering.set()
    problem(await refreshing, 404, "media.not_found")


async def test_an_edit_made_while_a_source_tells_is_not_lost(outside: Outside) -> None:
    item_id = await outside.book("Frankenstein", details={"isbn_13": ISBN})

    async def edit(transaction: Transaction) -> None:
        # As a PATCH does: the item first, then its details.
        await transaction.connection.execute(
            "UPDATE monocoque_media.items SET edited_fields = edited_fields || '{authors}', "
            "locked_fields = locked_fields || '{authors}', version = version + 1 WHERE id = $1",
            item_id,
        )
        await transaction.connection.execute(
            "UPDATE monocoque_media.book_items SET authors = '{M. W. Shelley}' WHERE item_id = $1", item_id
        )

    async with held_open(outside, edit):
        telling = asyncio.ensure_future(
            upsert(outside.runtime.database, [TOLD], replace=True, user_id=outside.person.id)
        )
        await stuck(outside)
    await telling
    item = checked(await outside.person.get(f"/media/items/{item_id}?include=details"), 200, ItemRead)
    assert (item["details"]["authors"], item["details"]["page_count"]) == (["M. W. Shelley"], 280)
