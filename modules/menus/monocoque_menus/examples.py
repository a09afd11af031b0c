"""What replies look like; the API reference shows these."""

from __future__ import annotations

from pydantic.config import JsonDict

_MENU_ID = "0198c5a0-e1f2-7a3b-8c4d-5e6f70819203"
_COURSE_ID = "0198c5a0-e2a3-7b4c-9d5e-6f7081920314"
_ITEM_ID = "0198c5a0-e3b4-7c5d-8e6f-708192031425"
_MEDIA_ID = "0198c5a0-b4c5-7e3a-9d2f-3c4d5e6f7081"
_CREATED: JsonDict = {"created_at": "2026-03-01T09:30:00Z"}
_UPDATED: JsonDict = {"updated_at": "2026-03-02T18:05:00Z"}
_PUBLISHED: JsonDict = {"published_at": "2026-03-02T18:00:00Z"}
_SLUG = "a-week-of-noir"
_HEAD: JsonDict = {
    "id": _MENU_ID,
    "title": "A week of noir",
    "description": "One film an evening, and something to read after it.",
    "slug": _SLUG,
}
_SHOWN: JsonDict = {
    "title": "The Third Man",
    "media_type": "movie",
    "year": 1949,
    "cover_image_url": "https://covers.example.com/the-third-man.jpg",
    "creators": "Carol Reed",
}
_COURSE: JsonDict = {"title": "Monday", "description": "Vienna, after the war.", "position": 1, "item_count": 1}
PROGRESS: JsonDict = {"done": 1, "total": 1}
PUBLIC_ITEM: JsonDict = {**_SHOWN, "notes": "Listen for the zither.", "position": 1}
PUBLIC_COURSE: JsonDict = {**_COURSE, "items": [PUBLIC_ITEM]}
PUBLIC_MENU: JsonDict = {**_HEAD, **_PUBLISHED, **_UPDATED, "item_count": 1, "courses": [PUBLIC_COURSE]}
MENU: JsonDict = {
    **_HEAD,
    "visibility": "public",
    "url": f"https://menus.example.com/api/v1/public/menus/{_SLUG}",
    "page_url": f"https://menus.example.com/m/{_SLUG}",
    **_PUBLISHED,
    "course_count": 1,
    "item_count": 1,
    "version": 4,
    **_CREATED,
    **_UPDATED,
}
COURSE: JsonDict = {"id": _COURSE_ID, **_COURSE, "version": 1, **_CREATED, **_UPDATED}
ITEM: JsonDict = {
    "id": _ITEM_ID,
    "course_id": _COURSE_ID,
    "media_item_id": _MEDIA_ID,
    **PUBLIC_ITEM,
    "version": 1,
    **_CREATED,
    **_UPDATED,
}
EXPORTED_ITEM: JsonDict = {"id": _ITEM_ID, "media_item_id": _MEDIA_ID, **PUBLIC_ITEM}
EXPORTED_COURSE: JsonDict = {"id": _COURSE_ID, **_COURSE, "items": [EXPORTED_ITEM]}
EXPORTED: JsonDict = {
    **_HEAD,
    "visibility": "public",
    **_CREATED,
    **_PUBLISHED,
    **_UPDATED,
    "item_count": 1,
    "courses": [EXPORTED_COURSE],
}
BULK_ADDED: JsonDict = {"media_item_id": _MEDIA_ID, "title": "The Third Man", "status": "added", "id": _ITEM_ID}
BULK: JsonDict = {"added": 1, "skipped": 0, "items": [BULK_ADDED]}
HOLDING: JsonDict = {
    "id": _MENU_ID,
    "title": "A week of noir",
    "slug": _SLUG,
    "visibility": "public",
    "entries": [{"id": _ITEM_ID, "course_id": _COURSE_ID, "course": "Monday", "position": 1}],
}
