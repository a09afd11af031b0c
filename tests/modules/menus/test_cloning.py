"""Copies: of one's own menus and of anyone's public ones, drafts with everything in its place."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from monocoque.runtime import Runtime
from monocoque_auth.administration import set_disabled
from monocoque_menus.schemas import MenuRead
from monocoque_menus.service import copy_title
from tests.support import Person, awaited, problem

from .conftest import Curator, checked, token_of


async def clone(curator: Curator, menu: dict[str, Any], **body: Any) -> dict[str, Any]:
    reply = await curator.person.post(f"/menus/{menu['id']}/clone", json=body)
    copy: dict[str, Any] = checked(reply, 201, MenuRead)
    assert reply.headers["location"] == f"/api/v1/menus/{copy['id']}"
    return copy


async def contents(curator: Curator, menu: dict[str, Any]) -> list[Any]:
    """What is in a menu, without what identifies it."""
    own = {"id", "course_id", "version", "created_at", "updated_at"}
    courses = await curator.courses(menu)
    return [
        (
            {name: value for name, value in course.items() if name not in own},
            [
                {name: value for name, value in item.items() if name not in own}
                for item in await curator.items(menu, course)
            ],
        )
        for course in courses
    ]


async def test_a_copy_is_a_draft_with_everything_in_its_place(owner: Person, curator: Curator) -> None:
    menu, courses, _ = await curator.filled(3, 0, 2, visibility="public", description="One an evening.")
    gone = await curator.film("Laura")
    await curator.item(menu, courses[1], gone, notes="Lost.")
    await owner.delete(f"/media/items/{gone}")
    menu = await curator.read(menu)
    copy = await clone(curator, menu)
    assert (copy["title"], copy["description"]) == (f"{menu['title']} (copy)", "One an evening.")
    assert (copy["visibility"], copy["published_at"], copy["url"], copy["version"]) == ("draft", None, None, 1)
    assert (copy["course_count"], copy["item_count"]) == (3, 6)
    assert copy["slug"] != menu["slug"]
    assert await contents(curator, copy) == await contents(curator, menu)
    await curator.arrangement(copy)
    assert await curator.read(menu) == menu
    await owner.delete(f"/menus/{menu['id']}/courses/{courses[0]['id']}")
    assert (await curator.read(copy))["item_count"] == 6
    named = await clone(curator, copy, title="Another week")
    assert named["title"] == "Another week"
    assert await contents(curator, named) == await contents(curator, copy)
    assert (await clone(curator, await curator.menu()))["course_count"] == 0


def test_the_title_of_a_copy_fits() -> None:
    assert copy_title("x" * 200) == f"{'x' * 193} (copy)"
    assert copy_title("A week of noir") == "A week of noir (copy)"


@pytest.mark.parametrize("visibility", ["draft", "unlisted", "public"])
async def test_of_other_peoples_menus_the_public_ones_can_be_copied(
    curator: Curator, other_curator: Curator, visibility: str
) -> None:
    menu, _, _ = await curator.filled(2, visibility=visibility)
    if visibility == "public":
        public = await other_curator.public(menu["slug"])
        copy = await clone(other_curator, public)
        assert await contents(other_curator, copy) == await contents(curator, menu)
        problem(await curator.person.get(f"/menus/{copy['id']}"), 404, "menus.not_found")
    else:
        reply = await other_curator.person.post(f"/menus/{menu['id']}/clone")
        problem(reply, 404, "menus.not_found")
    assert await curator.read(menu) == menu


async def test_what_nobody_can_read_cannot_be_copied(
    owner: Person, curator: Curator, other_curator: Curator, runtime: Runtime
) -> None:
    deleted, public = await curator.menu(visibility="public"), await curator.menu(visibility="public")
    await owner.delete(f"/menus/{deleted['id']}")
    await set_disabled(runtime, owner.email, disabled=True)
    for menu_id in (deleted["id"], public["id"], str(uuid4())):
        reply = await other_curator.person.post(f"/menus/{menu_id}/clone")
        problem(reply, 404, "menus.not_found")
    await set_disabled(runtime, owner.email, disabled=False)
    assert (await clone(other_curator, public))["visibility"] == "draft"


async def test_a_copy_has_a_link_of_its_own(curator: Curator) -> None:
    menu = await curator.menu(visibility="unlisted")
    copy = await curator.change(await clone(curator, menu), visibility="unlisted")
    assert token_of(copy) != token_of(menu)
    assert (await curator.public(token_of(copy)))["id"] == copy["id"]


async def test_a_copy_holds_what_it_copies_before_the_original_as_a_merge_does(
    curator: Curator, runtime: Runtime
) -> None:
    menu, _, [[item]] = await curator.filled(1)
    async with runtime.database.connection() as merging:
        async with merging.transaction():
            await merging.execute(
                "SELECT FROM monocoque_media.items WHERE id = $1 FOR UPDATE", UUID(item["media_item_id"])
            )
            copying = asyncio.ensure_future(clone(curator, menu))
            await awaited(merging)
            # What waits for the merge must not have what the merge wants next: the two would wait for ever.
            await merging.execute("SELECT FROM monocoque_menus.menus WHERE id = $1 FOR UPDATE NOWAIT", UUID(menu["id"]))
        assert (await copying)["item_count"] == 1
