"""Slugs: made from titles, nobody else's for ever, and an old one leads on."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.runtime import Runtime
from monocoque_menus import jobs
from monocoque_menus.slugs import MAX_SLUG, RESERVED, candidates, slug_of
from tests.support import Person, problem

from .conftest import Curator, age

FORM = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("A week of noir", "a-week-of-noir"),
        ("日本語", "ri-ben-yu"),
        ("Über die Straße", "uber-die-strasse"),
        ("Война и мир", "voina-i-mir"),
        ("Don't Look Now", "dont-look-now"),
        ("It\u2019s Such a Beautiful Day", "its-such-a-beautiful-day"),
        ("C++ & C#: &amp; &#65;", "c-c-amp-65"),
        ("  --Spaces__and/slashes--  ", "spaces-and-slashes"),
        ("\uff11\uff12\uff13 \ufb01lms", "123-films"),
        ("🎬🍿", ""),
        ("!?", ""),
        (f"{'word ' * 30}", "-".join(["word"] * 16)),
        ("x" * 200, "x" * MAX_SLUG),
    ],
)
def test_a_slug_is_the_words_of_a_title(title: str, slug: str) -> None:
    assert slug_of(title) == slug


@given(st.text(max_size=200))
def test_whatever_the_title_every_candidate_is_a_slug_that_may_be(title: str) -> None:
    made = slug_of(title)
    assert not made or (FORM.fullmatch(made) and len(made) <= MAX_SLUG)
    found = list(candidates(title))
    assert len(set(found)) >= 10
    for slug in found:
        assert FORM.fullmatch(slug)
        assert len(slug) <= MAX_SLUG
        assert slug not in RESERVED


def test_reserved_words_are_slugs() -> None:
    assert all(slug_of(word) == word for word in RESERVED)


async def test_a_title_without_letters_still_gets_a_usable_slug(client: httpx.AsyncClient, curator: Curator) -> None:
    for title in ("🎬🍿", "New", "..."):
        slug = (await curator.menu(title, visibility="public"))["slug"]
        assert re.fullmatch(r"(menu|new)-[2-9a-z]{5}", slug)
        assert (await curator.public(slug))["title"] == title


async def test_menus_of_one_title_get_slugs_of_their_own_however_many_are_made_at_once(
    owner: Person, stranger: Person
) -> None:
    title = f"Noir {uuid4().hex}"
    people = [owner, stranger] * 5
    replies = await asyncio.gather(*(person.post("/menus", json={"title": title}) for person in people))
    slugs = [reply.json()["slug"] for reply in replies]
    assert len(set(slugs)) == 10
    plain = title.lower().replace(" ", "-")
    assert sum(slug == plain for slug in slugs) == 1
    assert all(re.fullmatch(rf"{plain}(-[2-9a-z]{{5}})?", slug) for slug in slugs)


async def test_a_slug_stays_when_the_title_changes(owner: Person, curator: Curator) -> None:
    menu = await curator.menu()
    assert (await curator.change(menu, title="Quite another title"))["slug"] == menu["slug"]
    replaced = await owner.put(f"/menus/{menu['id']}", json={"title": "And another"})
    assert replaced.json()["slug"] == menu["slug"]


async def test_an_old_slug_leads_to_the_new_one_for_ever(client: httpx.AsyncClient, curator: Curator) -> None:
    menu = await curator.menu(visibility="public")
    slugs = [menu["slug"], *(f"{word}-{uuid4().hex}" for word in ("second", "third"))]
    for slug in slugs[1:]:
        assert (await curator.change(menu, slug=slug))["slug"] == slug
    for old in slugs[:2]:
        reply = await client.get(f"/public/menus/{old}")
        assert (reply.status_code, reply.headers["location"], reply.content) == (301, slugs[2], b"")
        assert "max-age" in reply.headers["cache-control"]
        followed = await client.get(f"/public/menus/{old}", follow_redirects=True)
        assert (followed.status_code, followed.json()["id"]) == (200, menu["id"])
    assert (await client.get(f"/public/menus/{slugs[0]}?include=progress")).status_code == 401
    # A menu may take a slug of its own back.
    assert (await curator.change(menu, slug=slugs[0]))["slug"] == slugs[0]
    assert (await client.get(f"/public/menus/{slugs[2]}")).headers["location"] == slugs[0]
    assert (await curator.public(slugs[0]))["slug"] == slugs[0]


async def test_what_a_slug_leads_to_is_told_only_while_the_menu_is_public(
    client: httpx.AsyncClient, owner: Person, curator: Curator
) -> None:
    menu = await curator.menu(visibility="public")
    new = f"new-{uuid4().hex}"
    await curator.change(menu, slug=new)
    for visibility in ("draft", "unlisted"):
        await curator.change(menu, visibility=visibility)
        for slug in (menu["slug"], new):
            problem(await client.get(f"/public/menus/{slug}"), 404, "menus.not_public")
    await curator.change(menu, visibility="public")
    await owner.delete(f"/menus/{menu['id']}")
    problem(await client.get(f"/public/menus/{menu['slug']}"), 404, "menus.not_public")


async def test_nobody_else_ever_gets_a_slug(
    owner: Person, curator: Curator, other_curator: Curator, stranger: Person, runtime: Runtime
) -> None:
    old, new, gone, deleted_account = (f"{word}-{uuid4().hex}" for word in ("old", "new", "gone", "account"))
    menu = await curator.menu(slug=old)
    await curator.change(menu, slug=new)
    purged = await curator.menu(slug=gone)
    await owner.delete(f"/menus/{purged['id']}")
    await age(runtime, "monocoque_menus.menus", purged["id"])
    await jobs.purge_deleted(runtime)
    another = await curator.menu()
    await other_curator.menu(slug=deleted_account)
    assert (await stranger.delete("/auth/me")).status_code == 204
    for slug in (old, new, gone, deleted_account):
        for reply in (
            await owner.post("/menus", json={"title": "Mine", "slug": slug}),
            await owner.patch(f"/menus/{another['id']}", json={"slug": slug, "title": "Mine"}),
            await owner.put(f"/menus/{another['id']}", json={"slug": slug, "title": "Mine"}),
        ):
            document = problem(reply, 409, "menus.slug_taken")
            assert [error["pointer"] for error in document["errors"]] == ["#/slug"]
        taken = await curator.menu(slug.replace("-", " "))
        assert re.fullmatch(rf"{slug}-[2-9a-z]{{5}}", taken["slug"])
    assert await curator.read(another) == another


@pytest.mark.parametrize(
    ("slug", "code"),
    [
        ("🎬", "menus.slug_empty"),
        ("--", "menus.slug_empty"),
        ("New", "menus.slug_reserved"),
        ("api", "menus.slug_reserved"),
    ],
)
async def test_a_slug_that_cannot_be_is_refused(owner: Person, curator: Curator, slug: str, code: str) -> None:
    menu = await curator.menu()
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/menus", {"title": "A", "slug": slug}),
        ("PATCH", f"/menus/{menu['id']}", {"title": "A", "slug": slug}),
        ("PUT", f"/menus/{menu['id']}", {"title": "A", "slug": slug}),
    ]
    for method, path, body in calls:
        document = problem(await owner.call(method, path, json=body), 422, code)
        assert [error["pointer"] for error in document["errors"]] == ["#/slug"]
    assert await curator.read(menu) == menu
    assert len((await owner.get("/menus")).json()["items"]) == 1


async def test_a_slug_that_is_given_is_put_in_form(curator: Curator) -> None:
    mark = uuid4().hex
    menu = await curator.menu(slug=f"Ein Fünf-Gänge-Menü {mark}")
    assert menu["slug"] == f"ein-funf-gange-menu-{mark}"
    assert (await curator.change(menu, slug=menu["slug"]))["slug"] == menu["slug"]


async def test_of_many_that_want_one_slug_at_once_one_gets_it(owner: Person, curator: Curator) -> None:
    slug = f"wanted-{uuid4().hex}"
    menus = [await curator.menu() for _ in range(5)]
    replies = await asyncio.gather(
        *(owner.patch(f"/menus/{menu['id']}", json={"slug": slug}) for menu in menus),
        *(owner.post("/menus", json={"title": "New one", "slug": slug}) for _ in range(5)),
    )
    statuses = sorted(reply.status_code for reply in replies)
    assert statuses in ([200] + [409] * 9, [201] + [409] * 9)
    after = [await curator.read(menu) for menu in menus]
    assert sum(menu["slug"] == slug for menu in after) == (statuses[0] == 200)
    assert [menu["version"] for menu in after] == [2 if menu["slug"] == slug else 1 for menu in after]
