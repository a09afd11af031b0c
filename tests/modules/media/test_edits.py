"""What a person edited or locked is told apart, survives every refresh, and can be given back to the sources."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from monocoque_media.schemas.items import ItemRead
from tests.modules.media.catalogue import enter, held, make_admin
from tests.modules.media.conftest import Outside
from tests.modules.media.vendors import Reply, volume
from tests.support import Person, problem


async def test_locks_are_set_as_a_whole_and_by_names_that_exist(owner: Person) -> None:
    made = await enter(owner)
    path = f"/media/items/{made['id']}/locks"
    locked = held(ItemRead, await owner.put(path, json={"fields": ["page_count", "cover_image_url", "page_count"]}))
    assert locked["locks"] == ["cover_image_url", "page_count"]
    refused = problem(await owner.put(path, json={"fields": ["title", "runtime"]}), 422, "media.field_unknown")
    assert [error["pointer"] for error in refused["errors"]] == ["#/fields/1"]
    assert held(ItemRead, await owner.put(path, json={"fields": []}))["locks"] == []


async def test_locks_come_and_go_and_what_was_edited_stays_left_alone(owner: Person) -> None:
    made = await enter(owner)
    path = f"/media/items/{made['id']}"

    async def kept(reply: httpx.Response) -> tuple[list[str], list[str], list[str]]:
        item = held(ItemRead, reply)
        return item["edited_fields"], item["locks"], item["locked_fields"]

    assert await kept(await owner.put(f"{path}/locks", json={"fields": ["title", "language"]})) == (
        ["title"],
        ["language", "title"],
        ["language", "title"],
    )
    assert await kept(await owner.patch(path, json={"subtitle": "New"})) == (
        ["subtitle", "title"],
        ["language", "title"],
        ["language", "subtitle", "title"],
    )
    assert await kept(await owner.put(f"{path}/locks", json={"fields": []})) == (
        ["subtitle", "title"],
        [],
        ["subtitle", "title"],
    )


async def test_an_edit_is_given_back_by_name_and_a_lock_stays(owner: Person) -> None:
    made = await enter(owner, subtitle="Mine", details={"isbn_10": "0-441-47812-3"})
    path = f"/media/items/{made['id']}"
    await owner.put(f"{path}/locks", json={"fields": ["title"]})
    for field, version in (("title", 3), ("isbn_13", 4), ("isbn_10", 4), ("description", 4)):
        assert (await owner.delete(f"{path}/edits/{field}")).status_code == 204
        assert (await owner.get(path)).json()["version"] == version
    item = held(ItemRead, await owner.get(path))
    assert (item["edited_fields"], item["locks"], item["locked_fields"]) == (
        ["subtitle"],
        ["title"],
        ["subtitle", "title"],
    )
    assert (item["title"], item["details"]["isbn_13"]) == (made["title"], "9780441478125")
    refused = problem(await owner.delete(f"{path}/edits/runtime"), 422, "media.field_unknown")
    assert [error["pointer"] for error in refused["errors"]] == ["path/field"]
    for nonsense in ("%0d%0aX-A%3A%20b", "%00", "Title", "x" * 41):
        problem(await owner.delete(f"{path}/edits/{nonsense}"), 422, "request.invalid")
    stale = {"If-Match": f'"{item["version"] - 1}"'}
    problem(await owner.delete(f"{path}/edits/subtitle", headers=stale), 412, "request.stale")


async def test_who_entered_an_item_is_shown_to_them_and_to_administrators(
    app: FastAPI, owner: Person, stranger: Person
) -> None:
    made = await enter(owner)
    path = f"/media/items/{made['id']}"

    async def seen_by(person: Person) -> set[str | None]:
        whole = (await person.get(path, params={"include": "tags"})).json()
        [listed] = [one for one in (await person.get("/media/items")).json()["items"] if one["id"] == made["id"]]
        return {one["created_by"] for one in (held(ItemRead, await person.get(path)), whole, listed)}

    assert made["created_by"] == str(owner.id)
    assert await seen_by(owner) == {str(owner.id)}
    assert await seen_by(stranger) == {None}
    await make_admin(app, stranger)
    assert await seen_by(stranger) == {str(owner.id)}
    assert (await stranger.patch(path, json={"subtitle": "x"})).json()["created_by"] == str(owner.id)
    async with app.state.runtime.database.connection() as connection:
        await connection.execute("DELETE FROM monocoque_auth.users WHERE id = $1", owner.id)
    assert await seen_by(stranger) == {None}


BOOK = {"subtitle": "Mine too", "details": {"isbn_13": "9780141439471", "page_count": 1}}
NEWS = {"title": "Theirs", "subtitle": "Theirs too", "pageCount": 280, "publisher": "Theirs"}


async def taken_in(outside: Outside) -> str:
    """An entry of the person's that a source knows too, and has news of."""
    item_id = await outside.book("Mine", **BOOK)
    reply = await outside.person.post("/media/ingest/google_books", json={"external_id": "volume000001"})
    assert reply.json()["id"] == item_id
    outside.vendors.always("google_books", Reply(volume(1, **NEWS)))
    return item_id


async def refreshed(outside: Outside, item_id: str, mode: str) -> dict[str, Any]:
    reply = await outside.person.post(f"/media/items/{item_id}/refresh?mode={mode}")
    return held(ItemRead, reply)


@pytest.mark.parametrize("mode", ["missing", "all"])
async def test_an_edit_survives_a_refresh_whatever_locks_were_set(outside: Outside, mode: str) -> None:
    item_id = await taken_in(outside)
    path = f"/media/items/{item_id}"
    for fields in (["publisher"], []):
        assert (await outside.person.put(f"{path}/locks", json={"fields": fields})).status_code == 200
    item = await refreshed(outside, item_id, mode)
    assert (item["title"], item["subtitle"], item["details"]["page_count"]) == ("Mine", "Mine too", 1)
    assert item["details"]["publisher"] == "Theirs"


async def test_what_was_given_back_is_replaced_unless_it_is_locked(outside: Outside) -> None:
    item_id = await taken_in(outside)
    path = f"/media/items/{item_id}"
    await outside.person.put(f"{path}/locks", json={"fields": ["subtitle"]})
    for field in ("title", "subtitle"):
        assert (await outside.person.delete(f"{path}/edits/{field}")).status_code == 204
    item = await refreshed(outside, item_id, "missing")
    assert (item["title"], item["subtitle"]) == ("Mine", "Mine too")
    item = await refreshed(outside, item_id, "all")
    assert (item["title"], item["subtitle"], item["details"]["page_count"]) == ("Theirs", "Mine too", 1)
    await outside.person.put(f"{path}/locks", json={"fields": []})
    assert (await refreshed(outside, item_id, "all"))["subtitle"] == "Theirs too"
