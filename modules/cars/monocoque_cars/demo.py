"""The demo data of cars: real ones, with the VINs that they left the works with."""

from __future__ import annotations

from monocoque.demo import Demo, demo_id
from monocoque_auth.contracts import DEMO_PEOPLE
from monocoque_cars import queries
from monocoque_cars.models import Car
from monocoque_cars.schemas import CarWrite
from monocoque_cars.vin import check_digit_ok

CARS = {
    "cars.boxster": CarWrite(
        make="Porsche",
        model="Boxster S",
        year=2004,
        vin="WP0CB29874U669313",
        nickname="Weekend",
        notes="Two track days a year. The hood drains want cleaning every autumn.",
    ),
    "cars.integra": CarWrite(
        make="Acura",
        model="Integra RS",
        year=1994,
        vin="JH4DC4340RS003205",
        nickname="Daily",
        notes="Bought from its first owner. Next: suspension bushings.",
    ),
    "cars.cherokee": CarWrite(
        make="Jeep", model="Cherokee Laredo", year=1988, vin="1JCMR7849JT185834", nickname="Mule"
    ),
    "cars.rx8": CarWrite(
        make="Mazda", model="RX-8", year=2004, vin="JM1FE173540134610", notes="Check the oil at every second fill-up."
    ),
}
OWNERS = {"cars.rx8": "auth.curator"}
"""Whose they are; the others are the mechanic's."""


async def load(demo: Demo) -> None:
    """Add the cars."""
    for owner in DEMO_PEOPLE:
        theirs = [name for name in CARS if OWNERS.get(name, "auth.mechanic") == owner]
        for name in await demo.missing(Car, theirs, owner):
            await _add(demo, name, owner)


async def _add(demo: Demo, name: str, owner: str) -> None:
    car = CARS[name]
    made = await demo.transaction.first(
        queries.CREATE_UNLESS_TAKEN,
        id=demo_id(name),
        owner_id=demo_id(owner),
        vin_check_ok=None if car.vin is None else check_digit_ok(car.vin),
        **car.model_dump(),
    )
    if made is None:
        demo.leave_out(name, "its owner has another car with this VIN")
