"""What replies look like; the API reference shows these."""

from __future__ import annotations

from pydantic.config import JsonDict

_CAR_ID = "0198c5a0-a3b4-7d2f-8c1e-2b3c4d5e6f70"
_PART_ID = "0198c5a0-c5d6-7a4b-9e2f-3c4d5e6f7081"
_CREATED: JsonDict = {"created_at": "2026-03-01T09:30:00Z"}
_UPDATED: JsonDict = {"updated_at": "2026-03-02T18:05:00Z"}
_PRICE: JsonDict = {"amount": "129.90", "currency": "EUR"}
_PAID: JsonDict = {"amount": "250.00", "currency": "EUR"}
_SUMS: JsonDict = {"item_count": 1, "quantity": 2, "unpriced_count": 0, "totals": [_PAID]}
_TOKEN = "pV3kq0cX9w2Jt7yBn5LrZe8HsUa1MdGf4QoRiTxKvEw"  # noqa: S105  opens nothing
_LINE: JsonDict = {
    "name": "Front brake pads",
    "brand": "Brembo",
    "category": "Brakes",
    "part_number": "P 49 038",
    "url": "https://shop.example.com/pads/p49038",
    "quantity": 2,
    "status": "ordered",
    "notes": "One set is a spare.",
    "price": _PRICE,
    "line_total": _PAID,
}
_DOCUMENT: JsonDict = {
    "name": "Track day",
    "description": "Brakes first, then cooling.",
    "car": {"make": "Mazda", "model": "MX-5", "year": 1990, "nickname": "Weekend"},
    "item_count": 1,
    "totals": [_PAID],
    **_UPDATED,
}

BUILD_LIST: JsonDict = {
    "id": "0198c5a0-d7e8-7b5c-8f3a-4d5e6f708192",
    "name": "Track day",
    "description": "Brakes first, then cooling.",
    "car_id": _CAR_ID,
    "item_count": 1,
    "shared": True,
    "share_expires_at": "2099-12-31T23:59:59Z",
    "version": 3,
    **_CREATED,
    **_UPDATED,
}
ITEM: JsonDict = {
    **_LINE,
    "id": "0198c5a0-f1a2-7c8e-9d3b-5f6a7b8c9d0e",
    "part_id": _PART_ID,
    "paid": _PAID,
    "position": 1,
    "version": 1,
    **_CREATED,
    **_UPDATED,
}
SUMMARY: JsonDict = {
    **_SUMS,
    "by_category": [{"category": "Brakes", **_SUMS}],
    "by_status": [{"status": "ordered", **_SUMS}],
}
SHARE: JsonDict = {
    "token": _TOKEN,
    "url": f"https://garage.example.com/api/v1/public/build-lists/{_TOKEN}",
    "page_url": f"https://garage.example.com/l/{_TOKEN}",
    "expires_at": "2099-12-31T23:59:59Z",
}
SHARED: JsonDict = {**_DOCUMENT, "items": [_LINE]}
EXPORTED: JsonDict = {
    **_DOCUMENT,
    "car_id": _CAR_ID,
    **_CREATED,
    "items": [{**_LINE, "part_id": _PART_ID, "paid": _PAID}],
}
