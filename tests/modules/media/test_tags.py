"""Tags: words of one's own on items that are everyone's."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from monocoque_media.schemas.tags import TagRead
from tests.modules.media.catalogue import NOWHERE, add_tag, enter, held, held_page, pages
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
