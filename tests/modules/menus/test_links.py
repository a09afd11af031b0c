"""An unlisted menu opens by its link only; its owner can be told the link again, the database cannot tell it."""

from __future__ import annotations

import hashlib
from uuid import UUID, uuid4

import httpx

from monocoque.runtime import Runtime
from monocoque_menus.links import links_of
from monocoque_menus.schemas import MenuRead
from tests.conftest import AppFactory, client_of
from tests.support import Person, problem, sign_up

from .conftest import Curator, checked, token_of


async def test_an_unlisted_menu_opens_by_its_link_only(
    client: httpx.AsyncClient, owner: Person, curator: Curator
) -> None:
    menu = await curator.menu(visibility="unlisted")
    token = token_of(menu)
    assert len(token) == 43
    assert menu["url"] == f"http://monocoque.test/api/v1/public/menus/{token}"
    assert menu["page_url"] == f"http://monocoque.test/m/{token}"
    assert await curator.read(menu) == menu
    assert (await owner.get("/menus")).json()["items"] == [menu]
    assert (await curator.public(token))["id"] == menu["id"]
    reply = await client.get(f"/public/menus/{token}")
    assert reply.headers["cache-control"] == "private, no-cache"
    assert reply.headers["x-robots-tag"] == "noindex"
    problem(await client.get(f"/public/menus/{menu['slug']}"), 404, "menus.not_public")


async def test_the_link_opens_what_is_unlisted_or_public_and_stays_until_it_is_renewed(
    client: httpx.AsyncClient, owner: Person, curator: Curator
) -> None:
    menu = await curator.menu(visibility="unlisted")
    path, token = f"/menus/{menu['id']}", token_of(menu)
    for visibility, status in (("draft", 404), ("public", 200), ("unlisted", 200)):
        menu = await curator.change(menu, visibility=visibility)
        assert (await client.get(f"/public/menus/{token}")).status_code == status
    assert token_of(menu) == token
    renewed = checked(await owner.post(f"{path}/link"), 200, MenuRead)
    assert token_of(renewed) != token
    assert renewed["version"] == menu["version"] + 1
    problem(await client.get(f"/public/menus/{token}"), 404, "menus.not_public")
    assert (await client.get(f"/public/menus/{token_of(renewed)}")).status_code == 200
    await owner.delete(path)
    problem(await client.get(f"/public/menus/{token_of(renewed)}"), 404, "menus.not_public")
    [deleted] = (await owner.get("/menus?deleted=true")).json()["items"]
    assert (deleted["url"], deleted["page_url"]) == (None, None)
    assert (await owner.post(f"{path}/restore")).json()["url"] == renewed["url"]


async def test_whatever_the_reason_the_same_404_says_that_nothing_is_there(
    client: httpx.AsyncClient, owner: Person, curator: Curator
) -> None:
    draft, unlisted = await curator.menu(), await curator.menu(visibility="unlisted")
    token = token_of(unlisted)
    bodies = set()
    for address in (
        draft["slug"], unlisted["slug"], draft["id"], token[:-1], f"{token}A", "A" * 43, "nothing-here", "NoSlug",
        hashlib.sha256(token.encode()).hexdigest(), "%F0%9F%8F%8E", "%ED%A0%80", "'; DROP TABLE menus; --", "x" * 5000,
        f"{token}%00", "a" * 81, "new",
    ):  # fmt: skip
        document = problem(await client.get(f"/public/menus/{address}"), 404, "menus.not_public")
        bodies.add(document["detail"])
        assert document["errors"] == []
    assert len(bodies) == 1


async def test_a_copy_of_the_database_opens_nothing(owner: Person, runtime: Runtime) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    body = {"title": f"Secret {uuid4().hex}", "visibility": "unlisted"}
    first, again = [await owner.post("/menus", json=body, headers=key) for _ in range(2)]
    menu = checked(first, 201, MenuRead)
    assert checked(again, 201, MenuRead) == menu
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.headers["etag"], again.headers["location"]) == ('"1"', f"/api/v1/menus/{menu['id']}")
    token = token_of(menu)
    async with runtime.database.connection() as connection:
        row = await connection.fetchrow("SELECT * FROM monocoque_menus.menus WHERE id = $1", UUID(menu["id"]))
        kept = await connection.fetchval(
            "SELECT count(*) FROM monocoque.idempotency_keys WHERE position($1::bytea in body) > 0", token.encode()
        )
    assert row["link_digest"] == hashlib.sha256(token.encode()).digest()
    assert token not in str(row)
    assert kept == 0


async def test_a_link_is_told_again_after_the_secret_key_was_changed_once(
    worker_database_url: str, make_app: AppFactory
) -> None:
    first, second, third = (f"{number}" * 40 for number in (1, 2, 3))
    app = await make_app(worker_database_url, secret_key=first, public_url="https://menus.example.org/base/")
    async with client_of(app) as client:
        person = await sign_up(client)
        menu = await Curator(person).menu(visibility="unlisted")
        assert menu["page_url"].startswith("https://menus.example.org/base/m/")
    for keys, told in (
        ({"secret_key": second, "secret_key_previous": first}, menu["page_url"]),
        ({"secret_key": third, "secret_key_previous": second}, None),
    ):
        app = await make_app(worker_database_url, public_url="https://menus.example.org/base", **keys)
        async with client_of(app) as client:
            person.client = client
            await person.login()
            assert (await Curator(person).read(menu))["page_url"] == told
            # It opens all the same: who has the link keeps it.
            assert (await client.get(f"/public/menus/{token_of(menu)}")).status_code == 200
            if told is None:
                renewed = checked(await person.post(f"/menus/{menu['id']}/link"), 200, MenuRead)
                assert (await client.get(f"/public/menus/{token_of(renewed)}")).status_code == 200


def test_links_of_one_menu_differ_and_are_no_slugs(runtime: Runtime) -> None:
    links = links_of(runtime, "https://menus.example.org")
    menu_id = uuid4()
    row = {"id": menu_id, "slug": "x", "visibility": "unlisted"}
    tokens = {token_of(links.shown({**row, **links.new(menu_id)})) for _ in range(50)}
    assert len(tokens) == 50
    assert all(token != token.lower() or "_" in token for token in tokens)
