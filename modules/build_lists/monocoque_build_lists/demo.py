"""The demo data of build_lists: two lists, shared by links that stay the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from monocoque.demo import Demo, demo_id
from monocoque.problems import Problem
from monocoque_build_lists import queries
from monocoque_build_lists.models import BuildList
from monocoque_build_lists.schemas import ItemWrite
from monocoque_build_lists.service import find_shared
from monocoque_cars.facade import find_car
from monocoque_parts.facade import find_parts

_MECHANIC = "auth.mechanic"
_OWNER = demo_id(_MECHANIC)
_OF_A_PART = "parts."


@dataclass(frozen=True, slots=True)
class DemoList:
    """A list, and its items by their names: that of the part in the demo data, where there is one."""

    title: str
    description: str
    car: str
    items: Mapping[str, Mapping[str, Any]]

    def written(self) -> dict[str, ItemWrite]:
        """The items as a client would send them."""
        return {
            name: ItemWrite.model_validate({**item, "part_id": demo_id(name) if name.startswith(_OF_A_PART) else None})
            for name, item in self.items.items()
        }


LISTS = {
    "build_lists.track-day": DemoList(
        "Boxster S: first track day",
        "What stops it and what it stands on first, then what keeps the engine alive.",
        "cars.boxster",
        {
            "parts.pilot-sport-front": {"quantity": 2, "status": "ordered"},
            "parts.pilot-sport-rear": {"quantity": 2, "status": "ordered"},
            "parts.ds2500": {"status": "installed", "paid": {"amount": "198.50", "currency": "USD"}},
            "parts.rbf600": {
                "quantity": 2,
                "status": "received",
                "paid": {"amount": "33.80", "currency": "EUR"},
                "notes": "Brought along from Germany.",
            },
            "parts.mobil1": {"quantity": 2, "status": "received"},
            "parts.ox128": {"status": "received"},
            "parts.ims": {"notes": "Before the season, not after it."},
            "tow-strap": {"name": "Tow strap, red"},
        },
    ),
    "build_lists.street": DemoList(
        "Integra RS: to drive every day",
        "Thirty years on the same dampers are enough.",
        "cars.integra",
        {
            "parts.koni": {"status": "received"},
            "parts.pro-kit": {"status": "received", "paid": {"amount": "305.00", "currency": "USD"}},
            "parts.hps": {"status": "installed"},
            "parts.lines": {"status": "installed"},
            "parts.rpf1": {"quantity": 4},
            "parts.re71rs": {"quantity": 4, "notes": "Once the wheels are there."},
            "alignment": {"name": "Wheel alignment", "notes": "Last, after a week on the new springs."},
        },
    ),
}


async def load(demo: Demo) -> None:
    """Add the lists with their items, share them, and show the links that open."""
    for name in await demo.missing(BuildList, LISTS, _MECHANIC):
        await _add(demo, name, LISTS[name])
    for number, name in enumerate(LISTS, 1):
        for token in demo.tokens(name):
            # None opens where its owner has deleted the list, or shares it no longer, or anew.
            with suppress(Problem):
                await find_shared(demo.transaction, token)
                demo.link(f"List {number}", f"/l/{token}")


async def _add(demo: Demo, name: str, wanted: DemoList) -> None:
    transaction, list_id = demo.transaction, demo_id(name)
    items = wanted.written()
    parts = await find_parts(transaction, _OWNER, [item.part_id for item in items.values() if item.part_id])
    car = await find_car(transaction, _OWNER, demo_id(wanted.car))
    there = {key: item for key, item in items.items() if item.part_id is None or item.part_id in parts}
    await transaction.first(
        queries.CREATE_CLONE,
        id=list_id,
        owner_id=_OWNER,
        name=wanted.title,
        description=wanted.description,
        car_id=None if car is None else car.id,
        item_count=len(there),
    )
    for key, item in there.items():
        await transaction.first(
            queries.ADD_ITEM,
            id=demo_id(f"{name}/{key}"),
            list_id=list_id,
            part_name=parts[item.part_id].name if item.part_id else None,
            paid_amount=item.paid.amount if item.paid else None,
            paid_currency=item.paid.currency if item.paid else None,
            **item.model_dump(exclude={"paid"}),
        )
    digest = hashlib.sha256(demo.token(name).encode("ascii")).digest()
    await transaction.first(queries.SHARE, id=list_id, owner_id=_OWNER, digest=digest, expires_at=None)
