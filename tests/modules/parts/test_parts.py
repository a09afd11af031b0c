"""The rules of parts: prices, addresses, and what other modules may know."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import Uuid, bindparam, select

from monocoque.queries import Query
from monocoque_parts.contracts import PART_CARDS, PartCard
from monocoque_parts.facade import find_part, find_parts
from tests.modules.resources import PARTS
from tests.support import Person, problem


def money(amount: str, currency: str) -> dict[str, str]:
    return {"amount": amount, "currency": currency}


async def pointers_and_codes(reply: Any) -> list[tuple[str, str]]:
    return [(error["pointer"], error["code"]) for error in problem(reply, 422, "request.invalid")["errors"]]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (money("129.90", "EUR"), money("129.90", "EUR")),
        (money("129.9", "EUR"), money("129.90", "EUR")),
        (money("5", "usd"), money("5.00", "USD")),
        (money("0", "EUR"), money("0.00", "EUR")),
        (money("0.01", "CHF"), money("0.01", "CHF")),
        (money("12000", "JPY"), money("12000", "JPY")),
        (money("12000.0", "JPY"), money("12000", "JPY")),
        (money("1.5", "KWD"), money("1.500", "KWD")),
        (money("1.234", "KWD"), money("1.234", "KWD")),
        (money("0007.50", "EUR"), money("7.50", "EUR")),
        (money("9999999999.99", "EUR"), money("9999999999.99", "EUR")),
    ],
)
async def test_a_price_comes_back_with_the_places_of_its_currency(
    owner: Person, given: dict[str, str], kept: dict[str, str]
) -> None:
    made = await PARTS.create(owner, price=given)
    assert made["price"] == kept
    assert PARTS.read(await owner.get(PARTS.at(made["id"])))["price"] == kept
    assert PARTS.read_page(await owner.get("/parts"))[0]["price"] == kept
    assert PARTS.read(await owner.patch(PARTS.at(made["id"]), json={"price": given}))["price"] == kept
    assert PARTS.read(await owner.put(PARTS.at(made["id"]), json={**PARTS.least, "price": given}))["price"] == kept


AMOUNTS = [
    "-1",
    "+1",
    "1e3",
    "1E3",
    " 1 ",
    "1 000",
    "1,50",
    "1.",
    ".5",
    "",
    "١٢",
    "\uff11\uff12",
    "0x10",
    "1_000",
    "NaN",
    "Infinity",
    "1.2.3",
    "1\n",
    "1\u0000",
    "10000000000",
    "1.00001",
    "9" * 21,
    "9" * 100_000,
    "²",
]


async def test_an_amount_is_plain_digits(owner: Person) -> None:
    part = await PARTS.create(owner, price=money("1.00", "EUR"))
    for amount in AMOUNTS:
        price = money(amount, "EUR")
        for reply in (
            await owner.post("/parts", json={**PARTS.least, "price": price}),
            await owner.put(PARTS.at(part["id"]), json={**PARTS.least, "price": price}),
            await owner.patch(PARTS.at(part["id"]), json={"price": price}),
            await owner.patch(PARTS.at(part["id"]), json={"price": {"amount": amount}}),
        ):
            [(pointer, _)] = await pointers_and_codes(reply)
            assert pointer == "#/price/amount", amount[:30]
    assert PARTS.read_page(await owner.get("/parts")) == [part]


@pytest.mark.parametrize("currency", ["XYZ", "EURO", "EU", "", "€", "€€€", "978", "eu\u0000", "EUR ", "XXX", "DEM"])
async def test_a_currency_is_a_current_one_of_iso_4217(owner: Person, currency: str) -> None:
    part = await PARTS.create(owner, price=money("1.00", "EUR"))
    for reply in (
        await owner.post("/parts", json={**PARTS.least, "price": money("1", currency)}),
        await owner.patch(PARTS.at(part["id"]), json={"price": {"currency": currency}}),
    ):
        [(pointer, _)] = await pointers_and_codes(reply)
        assert pointer == "#/price/currency"
    assert PARTS.read_page(await owner.get("/parts")) == [part]


@pytest.mark.parametrize("price", [money("1.5", "JPY"), money("1.234", "EUR"), money("1.2345", "KWD")], ids=str)
async def test_an_amount_has_no_more_places_than_its_currency(owner: Person, price: dict[str, str]) -> None:
    part = await PARTS.create(owner)
    for reply in (
        await owner.post("/parts", json={**PARTS.least, "price": price}),
        await owner.put(PARTS.at(part["id"]), json={**PARTS.least, "price": price}),
        await owner.patch(PARTS.at(part["id"]), json={"price": price}),
    ):
        assert await pointers_and_codes(reply) == [("#/price", "money_places")]
    assert PARTS.read_page(await owner.get("/parts")) == [part]


@pytest.mark.parametrize("price", [{"amount": "1"}, {"currency": "EUR"}, {}], ids=str)
async def test_half_a_price_is_none(owner: Person, price: dict[str, str]) -> None:
    part = await PARTS.create(owner)
    missing = sorted((f"#/price/{name}", "missing") for name in {"amount", "currency"} - price.keys())
    for reply in (
        await owner.post("/parts", json={**PARTS.least, "price": price}),
        await owner.put(PARTS.at(part["id"]), json={**PARTS.least, "price": price}),
        await owner.patch(PARTS.at(part["id"]), json={"price": price}),
    ):
        assert sorted(await pointers_and_codes(reply)) == missing
    assert PARTS.read_page(await owner.get("/parts")) == [part]


async def test_a_patch_merges_into_the_price(owner: Person) -> None:
    part = await PARTS.create(owner, price=money("129.90", "EUR"), notes="Kept.")
    path = PARTS.at(part["id"])
    for change, merged in (
        ({"amount": "119"}, money("119.00", "EUR")),
        ({"currency": "usd"}, money("119.00", "USD")),
        ({"currency": "JPY"}, money("119", "JPY")),
        ({"currency": "KWD"}, money("119.000", "KWD")),
        ({"amount": "0.125"}, money("0.125", "KWD")),
        ({}, money("0.125", "KWD")),
        (None, None),
        (money("3", "EUR"), money("3.00", "EUR")),
    ):
        changed = PARTS.read(await owner.patch(path, json={"price": change}))
        assert (changed["price"], changed["notes"]) == (merged, "Kept.")
        assert PARTS.read(await owner.get(path)) == changed


async def test_a_merge_that_does_not_fit_changes_nothing(owner: Person) -> None:
    part = await PARTS.create(owner, price=money("129.95", "EUR"))
    path = PARTS.at(part["id"])
    for change, fault in (
        ({"currency": "JPY"}, ("#/price", "money_places")),
        ({"amount": "1.234"}, ("#/price", "money_places")),
        ({"amount": None}, ("#/price/amount", "decimal_text")),
        ({"currency": None}, ("#/price/currency", "string_type")),
        ({"note": "x"}, ("#/price/note", "extra_forbidden")),
    ):
        reply = await owner.patch(path, json={"price": change, "name": "Never"})
        assert await pointers_and_codes(reply) == [fault]
    assert PARTS.read(await owner.get(path)) == part


async def test_a_merge_of_half_a_price_heeds_owner_and_version(owner: Person, stranger: Person) -> None:
    part = await PARTS.create(owner, price=money("1.00", "EUR"))
    path = PARTS.at(part["id"])
    change = {"price": {"amount": "2.00"}}
    problem(await stranger.patch(path, json=change), 404, "parts.not_found")
    problem(await owner.patch(path, json=change, headers={"If-Match": '"7"'}), 412, "request.stale")
    problem(await owner.patch(PARTS.at(uuid4()), json=change), 404, "parts.not_found")
    replies = await asyncio.gather(
        *(owner.patch(path, json={"price": half}, headers={"If-Match": '"1"'}) for half in _HALVES)
    )
    assert sorted(reply.status_code for reply in replies) == [200, 412, 412, 412]


_HALVES: list[dict[str, str]] = [{"amount": "2.00"}, {"currency": "USD"}, {"amount": "3.00"}, {"currency": "CHF"}]


async def test_halves_merged_at_once_are_both_kept(owner: Person) -> None:
    part = await PARTS.create(owner, price=money("1.00", "EUR"))
    path = PARTS.at(part["id"])
    replies = await asyncio.gather(*(owner.patch(path, json={"price": half}) for half in _HALVES[:2]))
    assert [reply.status_code for reply in replies] == [200, 200]
    assert PARTS.read(await owner.get(path))["price"] == money("2.00", "USD")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "HTTPS://Example.COM/Path?q=1&r=%20#part",
        "https://shop.example.com:8443/a/b.html",
        "https://münchen.example/teile/öl",
        "http://192.0.2.7/x",
        "http://[2001:db8::1]:8080/",
        "https://shop.example.com/a@b?user=me@example.org",
        "https://example.com/" + "x" * 1980,
    ],
    ids=range(8),
)
async def test_an_address_is_kept_as_it_was_sent(owner: Person, url: str) -> None:
    made = await PARTS.create(owner, url=f"  {url} ")
    assert made["url"] == url


BAD_URLS = {
    "parts.url_invalid": [
        "example.com",
        "//example.com",
        "ftp://example.com/",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "mailto:a@example.com",
        "http:example.com",
        "http:/example.com",
        "http:///example.com",
        "http://",
        "https://?q=1",
        "http://exa mple.com/",
        "https:\\\\example.com\\",
        "https://example.com\\.example.org/",
        'https://example.com/"onclick="x',
        "https://example.com/<script>",
        "https://example.com:99999/",
        "https://example.com:port/",
        "http://[::1/",
    ],
    "parts.url_credentials": [
        "https://user:secret@example.com/",
        "https://user@example.com/",
        "https://:@example.com/",
        "https://@example.com/",
        "https://example.com@evil.example/",
    ],
    "string_too_long": ["https://example.com/" + "x" * 1981, "https://" + "x" * 100_000],
    "string_too_short": ["", "   "],
    "text_control": ["https://example.com/\u0000", "https://exa\tmple.com/\u0007"],
    "text_line_break": ["https://example.com/\nx"],
}


@pytest.mark.parametrize("code", BAD_URLS)
async def test_an_address_is_a_whole_one_of_the_web_without_credentials(owner: Person, code: str) -> None:
    part = await PARTS.create(owner)
    for url in BAD_URLS[code]:
        for reply in (
            await owner.post("/parts", json={**PARTS.least, "url": url}),
            await owner.patch(PARTS.at(part["id"]), json={"url": url}),
        ):
            assert await pointers_and_codes(reply) == [("#/url", code)], url[:60]
            assert "secret" not in reply.text
    assert PARTS.read_page(await owner.get("/parts")) == [part]


async def test_other_modules_learn_the_cards_of_living_parts_of_their_owner(
    owner: Person, stranger: Person, app: FastAPI
) -> None:
    database = app.state.runtime.database
    assert owner.id is not None
    assert stranger.id is not None
    made = await PARTS.create(owner, **PARTS.whole())
    bare = await PARTS.create(owner)
    theirs = await PARTS.create(stranger)
    whole_id, bare_id, their_id = UUID(made["id"]), UUID(bare["id"]), UUID(theirs["id"])
    whole_card = PartCard(
        id=whole_id,
        name=made["name"],
        brand=made["brand"],
        category=made["category"],
        part_number=made["part_number"],
        url=made["url"],
        price_amount=Decimal("129.90"),
        price_currency="EUR",
    )
    bare_card = PartCard(bare_id, bare["name"], None, None, None, None, None, None)
    assert await find_part(database, owner.id, whole_id) == whole_card
    assert await find_part(database, owner.id, bare_id) == bare_card
    assert await find_part(database, owner.id, their_id) is None
    assert await find_part(database, owner.id, uuid4()) is None
    wanted = [whole_id, bare_id, their_id, uuid4(), whole_id]
    assert await find_parts(database, owner.id, wanted) == {whole_id: whole_card, bare_id: bare_card}
    assert await find_parts(database, owner.id, []) == {}
    await owner.delete(PARTS.at(whole_id))
    assert await find_parts(database, owner.id, wanted) == {bare_id: bare_card}


async def test_the_view_of_cards_holds_what_the_contract_says_and_no_notes(owner: Person, app: FastAPI) -> None:
    made = await PARTS.create(owner, **PARTS.whole())
    card = Query(select(PART_CARDS).where(PART_CARDS.c.id == bindparam("id", type_=Uuid)))
    row = await app.state.runtime.database.first(card, id=UUID(made["id"]))
    assert (row["owner_id"], row["price_amount"], row["price_currency"]) == (owner.id, Decimal("129.90"), "EUR")
    async with app.state.runtime.database.connection() as connection:
        everything = await connection.fetchrow("SELECT * FROM monocoque_parts.part_cards LIMIT 1")
    assert set(everything.keys()) == {column.name for column in PART_CARDS.columns}
    assert "notes" not in everything.keys()  # noqa: SIM118  a Record is no mapping: `in` looks at its values
