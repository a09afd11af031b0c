"""Whose a menu is comes before everything else: to all but its owner it is not there, whatever a body names."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.support import Person, problem

from .conftest import Curator


def calls(menu_id: str, course_id: str, item_id: str, film: str) -> list[tuple[str, str, Any]]:
    """Every operation on a menu, its courses and their entries, but the copy, which is for everybody's public ones."""
    menu = f"/menus/{menu_id}"
    course = f"{menu}/courses/{course_id}"
    return [
        ("GET", menu, None),
        ("PUT", menu, {"title": "B"}),
        ("PATCH", menu, {"title": "B"}),
        ("PATCH", menu, {"slug": "new"}),
        ("PATCH", menu, {"slug": f"mine-{uuid4().hex}"}),
        ("DELETE", menu, None),
        ("POST", f"{menu}/link", None),
        ("GET", f"{menu}/export", None),
        ("PUT", f"{menu}/order", {"courses": [{"id": course_id, "items": [item_id]}]}),
        ("PUT", f"{menu}/order", {"courses": []}),
        ("GET", f"{menu}/courses", None),
        ("POST", f"{menu}/courses", {"title": "B"}),
        ("GET", course, None),
        ("PATCH", course, {"title": "B"}),
        ("DELETE", course, None),
        ("POST", f"{course}/items:bulk", {"media_item_ids": [film]}),
        ("POST", f"{course}/items:bulk", {"media_item_ids": [str(uuid4())]}),
        ("GET", f"{course}/items", None),
        ("POST", f"{course}/items", {"media_item_id": film}),
        ("POST", f"{course}/items", {"media_item_id": str(uuid4())}),
        ("GET", f"{course}/items/{item_id}", None),
        ("PATCH", f"{course}/items/{item_id}", {"notes": "B"}),
        ("PATCH", f"{course}/items/{item_id}", {"media_item_id": str(uuid4())}),
        ("DELETE", f"{course}/items/{item_id}", None),
    ]


@pytest.mark.parametrize("visibility", ["draft", "unlisted", "public"])
async def test_to_someone_else_a_menu_is_not_there(curator: Curator, stranger: Person, visibility: str) -> None:
    menu, [course], [[item]] = await curator.filled(1, visibility=visibility)
    film = item["media_item_id"]
    everything = [
        *calls(menu["id"], course["id"], item["id"], film),
        ("POST", f"/menus/{menu['id']}/restore", None),
    ]
    for method, path, body in everything:
        problem(await stranger.call(method, path, json=body), 404, "menus.not_found")
        nobody = await stranger.client.request(method, path, json=body)
        problem(nobody, 401, "auth.unauthenticated")
    move = {"course_id": course["id"], "before": None}
    path = f"/menus/course-items/{item['id']}/move"
    problem(await stranger.post(path, json=move), 404, "menus.item_not_found")
    problem(await stranger.client.post(path, json=move), 401, "auth.unauthenticated")
    assert await curator.read(menu) == menu
    assert await curator.items(menu, course) == [item]


async def test_a_deleted_or_unknown_menu_is_a_404_whatever_the_body_names(owner: Person, curator: Curator) -> None:
    menu, [course], [[item]] = await curator.filled(1)
    await owner.delete(f"/menus/{menu['id']}")
    for menu_id in (menu["id"], str(uuid4())):
        for method, path, body in calls(menu_id, course["id"], item["id"], item["media_item_id"]):
            problem(await owner.call(method, path, json=body), 404, "menus.not_found")
        problem(await owner.post(f"/menus/{menu_id}/clone"), 404, "menus.not_found")
    problem(await owner.post(f"/menus/{uuid4()}/restore"), 404, "menus.not_found")
    restored = await owner.post(f"/menus/{menu['id']}/restore")
    assert restored.json()["item_count"] == 1


async def test_an_account_that_goes_takes_its_menus_along(
    curator: Curator, other_curator: Curator, stranger: Person
) -> None:
    menu, _, _ = await other_curator.filled(1, visibility="public")
    copy = (await curator.person.post(f"/menus/{menu['id']}/clone")).json()
    assert (await stranger.delete("/auth/me")).status_code == 204
    problem(await curator.person.post(f"/menus/{menu['id']}/clone"), 404, "menus.not_found")
    assert (await curator.read(copy))["item_count"] == 1
