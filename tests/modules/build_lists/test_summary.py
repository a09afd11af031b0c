"""The summary adds up what PostgreSQL sees exactly as Python's decimals do."""

from __future__ import annotations

import random
from collections import defaultdict
from decimal import Decimal
from typing import Any

from tests.support import Person, problem

from .conftest import Garage

STATUSES = ("wanted", "ordered", "received", "installed")
PLACES = {"EUR": 2, "JPY": 0, "KWD": 3}


def _money(chance: random.Random) -> dict[str, str]:
    currency = chance.choice(list(PLACES))
    amount = Decimal(chance.randrange(1, 10**8)).scaleb(-PLACES[currency])
    return {"amount": str(amount), "currency": currency}


def _sums(lines: list[dict[str, Any]]) -> dict[str, Any]:
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        if line["total"] is not None:
            totals[line["currency"]] += line["total"]
    return {
        "item_count": len(lines),
        "quantity": sum(line["quantity"] for line in lines),
        "unpriced_count": sum(line["total"] is None for line in lines),
        "totals": [{"amount": str(totals[currency]), "currency": currency} for currency in sorted(totals)],
    }


async def _line(garage: Any, list_id: str, chance: random.Random) -> dict[str, Any]:
    quantity, status = chance.randrange(1, 2000), chance.choice(STATUSES)
    price = _money(chance) if chance.random() < 0.6 else None
    paid = _money(chance) if chance.random() < 0.3 else None
    category = chance.choice(["Brakes", "Cooling", "100% | odd", None])
    line: dict[str, Any] = {"quantity": quantity, "status": status, "category": None}
    if chance.random() < 0.8:
        part_id = await garage.part(category=category, price=price)
        line["category"] = category
        await garage.item(list_id, part_id=part_id, quantity=quantity, status=status, paid=paid)
    else:
        price = None
        await garage.item(list_id, name="Anything", quantity=quantity, status=status, paid=paid)
    counted = paid or price
    line["currency"] = counted and counted["currency"]
    factor = 1 if paid else quantity
    line["total"] = counted and Decimal(counted["amount"]) * factor
    return line


async def test_the_sums_are_those_of_exact_decimals(garage: Garage) -> None:
    for seed in range(3):
        chance = random.Random(seed)
        list_id = await garage.new_list()
        lines = [await _line(garage, list_id, chance) for _ in range(25)]
        summary = await garage.summary(list_id)

        by_category, by_status = summary.pop("by_category"), summary.pop("by_status")
        assert summary == _sums(lines)
        categories = {line["category"] for line in lines}
        assert [group["category"] for group in by_category] == [
            *sorted(categories - {None}),
            *([None] if None in categories else []),
        ]
        for group in by_category:
            category = group.pop("category")
            assert group == _sums([line for line in lines if line["category"] == category])
        present = {line["status"] for line in lines}
        assert [group["status"] for group in by_status] == [status for status in STATUSES if status in present]
        for group in by_status:
            status = group.pop("status")
            assert group == _sums([line for line in lines if line["status"] == status])
        assert (await garage.shared(await garage.share(list_id)))["totals"] == summary["totals"]


async def test_an_empty_list_adds_up_to_nothing(garage: Garage) -> None:
    nothing = {"item_count": 0, "quantity": 0, "unpriced_count": 0, "totals": [], "by_category": [], "by_status": []}
    assert await garage.summary(await garage.new_list()) == nothing


async def test_the_largest_amounts_add_up_too(garage: Garage) -> None:
    list_id = await garage.new_list()
    for _ in range(2):
        part_id = await garage.part(price={"amount": "9999999999", "currency": "JPY"})
        await garage.item(list_id, part_id=part_id, quantity=10_000)
    assert (await garage.summary(list_id))["totals"] == [{"amount": "199999999980000", "currency": "JPY"}]


async def test_a_summary_has_an_etag_that_changes_with_a_price(owner: Person, garage: Garage) -> None:
    list_id = await garage.new_list()
    part_id = await garage.part(price={"amount": "1", "currency": "EUR"})
    await garage.item(list_id, part_id=part_id)
    path = f"/build-lists/{list_id}/summary"
    current = {"If-None-Match": (await owner.get(path)).headers["etag"]}
    assert (await owner.get(path, headers=current)).status_code == 304
    await owner.patch(f"/parts/{part_id}", json={"price": {"amount": "2"}})
    assert (await owner.get(path, headers=current)).json()["totals"] == [{"amount": "2.00", "currency": "EUR"}]


async def test_a_summary_of_what_is_not_there_is_a_404(owner: Person) -> None:
    path = "/build-lists/0198c5a0-f1a2-7c8e-9d3b-5f6a7b8c9d0e/summary"
    problem(await owner.get(path), 404, "build_lists.not_found")
