"""The demo data of parts: products that are sold, at what they cost about."""

from __future__ import annotations

from monocoque.demo import Demo, demo_id
from monocoque.types import Money
from monocoque_parts import queries
from monocoque_parts.models import Part
from monocoque_parts.schemas import PartWrite

_OWNER = "auth.mechanic"


def _part(name: str, brand: str, category: str, dollars: str, **more: str) -> PartWrite:
    price = Money.model_validate({"amount": dollars, "currency": "USD"})
    return PartWrite(name=name, brand=brand, category=category, price=price, **more)


PARTS = {
    "parts.pilot-sport-front": _part("Pilot Sport 4 S 225/40 ZR18", "Michelin", "Tires", "228.99"),
    "parts.pilot-sport-rear": _part("Pilot Sport 4 S 265/35 ZR18", "Michelin", "Tires", "291.99"),
    "parts.ds2500": _part(
        "DS2500 front brake pads", "Ferodo", "Brakes", "214.00", notes="Squeal a little until they are warm."
    ),
    "parts.rbf600": _part("RBF 600 brake fluid, 500 ml", "Motul", "Fluids", "22.95"),
    "parts.mobil1": _part("Mobil 1 FS 0W-40, 5 qt", "Mobil", "Fluids", "32.97"),
    "parts.ox128": _part("OX 128/1D oil filter", "Mahle", "Engine", "11.49", part_number="OX 128/1D"),
    "parts.ims": _part(
        "IMS Solution", "LN Engineering", "Engine", "1899.00", notes="With the clutch, while the gearbox is out."
    ),
    "parts.koni": _part("Sport (Yellow) dampers, set of four", "Koni", "Suspension", "829.00"),
    "parts.pro-kit": _part("Pro-Kit springs, set of four", "Eibach", "Suspension", "329.00"),
    "parts.hps": _part("HPS front brake pads", "Hawk Performance", "Brakes", "88.50"),
    "parts.lines": _part("Stainless steel brake lines", "StopTech", "Brakes", "104.95"),
    "parts.rpf1": _part("RPF1 15 x 7", "Enkei", "Wheels", "268.00"),
    "parts.re71rs": _part("Potenza RE-71RS 205/50 R15", "Bridgestone", "Tires", "189.00"),
    "parts.ko2": _part("All-Terrain T/A KO2 30 x 9.50 R15", "BFGoodrich", "Tires", "199.99"),
    "parts.bilstein": _part("B8 5100 damper", "Bilstein", "Suspension", "98.00"),
    "parts.rc12lyc": _part("RC12LYC spark plug", "Champion", "Ignition", "3.49", part_number="RC12LYC"),
    "parts.winch": _part("VR EVO 10-S winch", "WARN", "Recovery", "949.99", part_number="103253"),
}


async def load(demo: Demo) -> None:
    """Add the parts."""
    for name in await demo.missing(Part, PARTS, _OWNER):
        part = PARTS[name]
        price = part.price
        await demo.transaction.first(
            queries.CREATE,
            id=demo_id(name),
            owner_id=demo_id(_OWNER),
            price_amount=None if price is None else price.amount,
            price_currency=None if price is None else price.currency,
            **part.model_dump(exclude={"price"}),
        )
