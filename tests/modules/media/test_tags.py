"""Tags: words of one's own on items that are everyone's."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from unicodedata import normalize

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from monocoque.types import new_id
from monocoque_media.schemas.tags import TagRead, name_key
from tests.modules.media.catalogue import NOWHERE, add_tag, enter, held, held_page, pages
from tests.modules.media.test_imports import send
from tests.support import Person, problem


async def test_a_tag_is_added_counted_renamed_and_deleted(owner: Person) -> None:
    tag = await add_tag(owner, "To reread")
    path = f"/media/tags/{tag['id']}"
    items = [await enter(owner), await enter(owner)]
    for item in items:
        for _ in range(2):
            assert (await owner.put(f"/media/items/{item['id']}/tags/{tag['id']}")).status_code == 204
    assert held(TagRead, await owner.get(path)) == {**tag, "item_count": 2}
    assert (await owner.delete(f"/media/items/{items[0]['id']}")).status_code == 204
    assert held_page(TagRead, await owner.get("/media/tags")) == [{**tag, "item_count": 1}]
    renamed = held(TagRead, await owner.patch(path, json={"name": "to REREAD"}, headers={"If-Match": '"1"'}))
    assert (renamed["name"], renamed["item_count"], renamed["version"]) == ("to REREAD", 1, 2)
    problem(await owner.patch(path, json={"name": "x"}, headers={"If-Match": '"1"'}), 412, "request.stale")
    problem(await owner.delete(path, headers={"If-Match": '"1"'}), 412, "request.stale")
    assert (await owner.delete(path)).status_code == 204
    problem(await owner.get(path), 404, "media.tag_not_found")
    left = await owner.get(f"/media/items/{items[1]['id']}", params={"include": "tags"})
    assert left.json()["tags"] == []


async def test_a_name_is_unique_whatever_its_case_and_form(owner: Person, stranger: Person) -> None:
    tag = await add_tag(owner, "STRASSE é")
    problem(await owner.post("/media/tags", json={"name": "straße e\u0301"}), 409, "media.tag_taken")
    other = await add_tag(owner, "Other")
    problem(await owner.patch(f"/media/tags/{other['id']}", json={"name": "Straße É"}), 409, "media.tag_taken")
    await add_tag(stranger, tag["name"])


@pytest.mark.parametrize("name", ["Μαΐου", "ῐ\u0301ΰ", "ǰazz", "STRASSE", "ᾷ\u0301", "İ"])
def test_a_key_is_its_own_key_and_that_of_every_form(name: str) -> None:
    key = name_key(name)
    assert {name_key(normalize(form, text)) for form in ("NFC", "NFD") for text in (name, key)} == {key}


@given(st.text(st.characters(codec="utf-8"), max_size=8))
def test_whatever_the_name_its_key_is_its_own_key(name: str) -> None:
    assert name_key(name_key(name)) == name_key(name)
    assert len(name_key(normalize("NFC", name))) <= 3 * len(normalize("NFC", name))


async def test_a_new_tag_has_no_items_whatever_others_have(owner: Person, stranger: Person) -> None:
    tag, item = await add_tag(stranger, "Theirs"), await enter(stranger)
    assert (await stranger.put(f"/media/items/{item['id']}/tags/{tag['id']}")).status_code == 204
    new = await add_tag(owner, "Mine")
    assert new["item_count"] == 0
    assert held(TagRead, await owner.get(f"/media/tags/{new['id']}")) == new


async def test_a_name_that_is_imported_is_that_which_was_added(owner: Person) -> None:
    # The folded case of these letters is no normal form by itself.
    names = ["Μαΐου", "ΰ", "ǰazz"]
    for name in names:
        await add_tag(owner, name)
    before = await pages(owner, "/media/tags", limit=1)
    records = [{"record": "tag", "title": name.upper()} for name in names]
    tagged = {"record": "item", "media_type": "book", "title": "A", "tags": [*names, *(name.upper() for name in names)]}
    document = {"format": "monocoque-media", "version": 1, "records": [*records, tagged]}
    record = await send(owner, json.dumps(document).encode(), "export.json")
    assert (record["unchanged_count"], record["imported_count"]) == (3, 1)
    after = await pages(owner, "/media/tags", limit=1)
    assert after == [{**tag, "item_count": 1} for tag in before]


async def test_of_twenty_at_once_one_makes_the_tag(owner: Person) -> None:
    names = ("Noir", "NOIR") * 10
    replies = await asyncio.gather(*(owner.post("/media/tags", json={"name": name}) for name in names))
    assert sorted(reply.status_code for reply in replies) == [201] + [409] * 19
    assert len(await pages(owner, "/media/tags")) == 1


async def test_a_tag_put_by_many_at_once_is_there_once(owner: Person) -> None:
    tag, item = await add_tag(owner, "Noir"), await enter(owner)
    path = f"/media/items/{item['id']}/tags/{tag['id']}"
    assert {reply.status_code for reply in await asyncio.gather(*(owner.put(path) for _ in range(20)))} == {204}
    assert (await owner.get(f"/media/tags/{tag['id']}")).json()["item_count"] == 1
    assert {reply.status_code for reply in await asyncio.gather(*(owner.delete(path) for _ in range(20)))} == {204}
    assert (await owner.get(f"/media/tags/{tag['id']}")).json()["item_count"] == 0


async def test_a_tag_is_its_owners_alone(owner: Person, stranger: Person) -> None:
    tag, item = await add_tag(owner, "Mine"), await enter(stranger)
    path, at_item = f"/media/tags/{tag['id']}", f"/media/items/{item['id']}/tags/{tag['id']}"
    assert (await owner.put(at_item)).status_code == 204
    problem(await stranger.get(path), 404, "media.tag_not_found")
    problem(await stranger.patch(path, json={"name": "Theirs"}), 404, "media.tag_not_found")
    problem(await stranger.delete(path), 404, "media.tag_not_found")
    problem(await stranger.put(at_item), 404, "media.tag_not_found")
    problem(await stranger.delete(at_item), 404, "media.tag_not_found")
    assert await pages(stranger, "/media/tags") == []
    assert (await owner.get(path)).json() == {**tag, "item_count": 1}


async def test_what_is_not_there_is_said_for_the_item_first(owner: Person) -> None:
    tag, item = await add_tag(owner, "Mine"), await enter(owner)
    for method in ("PUT", "DELETE"):
        problem(await owner.call(method, f"/media/items/{NOWHERE}/tags/{tag['id']}"), 404, "media.not_found")
        problem(await owner.call(method, f"/media/items/{item['id']}/tags/{NOWHERE}"), 404, "media.tag_not_found")


async def test_pages_go_on_whatever_the_names_are_and_become(app: FastAPI, owner: Person) -> None:
    # Earlier versions took names of 100 characters from imports: a cursor does not hold the whole of such a key.
    alike = "\U0001f4d5" * 98
    names = ["a", *(alike + end for end in "ghi"), "ΐ" * 100, '"\\' * 50, "\U0001f4d5" * 99]
    async with app.state.runtime.database.connection() as connection:
        for name in names:
            await connection.execute(
                "INSERT INTO monocoque_media.tags (id, owner_id, name, name_key) VALUES ($1, $2, $3, $4)",
                *(new_id(), owner.id, name, name_key(name)),
            )
    whole = await pages(owner, "/media/tags")
    assert sorted(tag["name"] for tag in whole) == sorted(names)
    assert await pages(owner, "/media/tags", limit=1) == whole
    place = next(place for place, tag in enumerate(whole) if tag["name"] == f"{alike}g")
    page = (await owner.get("/media/tags", params={"limit": place + 1})).json()
    path = f"/media/tags/{page['items'][-1]['id']}"
    rest = {"limit": 50, "cursor": page["next_cursor"]}
    assert (await owner.get("/media/tags", params=rest)).json()["items"] == whole[place + 1 :]
    for method, body in (("PATCH", {"name": "0"}), ("DELETE", None)):
        assert (await owner.call(method, path, json=body)).is_success
        left = (await owner.get("/media/tags", params=rest)).json()["items"]
        assert left == whole[place + 1 :]


async def test_the_list_goes_by_name_page_after_page(owner: Person) -> None:
    # The longest name of the widest letters: its cursor has to be taken back.
    names = ["b", "A", "ΐ" * 50, "\U0001f4d5" * 50, "c\\\"'", "ﬃ" * 50]
    for name in names:
        await add_tag(owner, name)
    whole = await pages(owner, "/media/tags")
    assert await pages(owner, "/media/tags", limit=1) == whole
    assert sorted(tag["name"] for tag in whole) == sorted(names)
    assert [tag["name"] for tag in whole][:2] != ["b", "A"]


@pytest.mark.parametrize("name", ["", " ", "x" * 51, "a\nb", "a\x00b", 1, None, ["x"]])
async def test_what_is_no_name_is_refused(owner: Person, name: Any) -> None:
    problem(await owner.post("/media/tags", json={"name": name}), 422, "request.invalid")
    headers = {"Content-Type": "application/json"}
    problem(await owner.post("/media/tags", content='{"name": "\\ud800"}', headers=headers), 422, "request.invalid")
    assert await pages(owner, "/media/tags") == []


async def test_a_name_that_is_too_long_is_told_so_in_characters(owner: Person) -> None:
    [error] = problem(await owner.post("/media/tags", json={"name": "x" * 51}), 422, "request.invalid")["errors"]
    assert (error["pointer"], error["code"]) == ("#/name", "string_too_long")
    assert "50 characters" in error["detail"]
