"""What replies look like; the API reference shows these, and what they say of works outside is true.

No member is null: FastAPI leaves those out of its document.
"""

from __future__ import annotations

from pydantic.config import JsonDict

_BOOK_ID = "0198c5a0-f1a2-7c8e-9d3b-5f6a7b8c9d0e"
_USER_ID = "0198c5a1-0b3c-7d4e-8f5a-6b7c8d9e0f1a"
_CREATED: JsonDict = {"created_at": "2026-03-01T09:30:00Z"}
_UPDATED: JsonDict = {"updated_at": "2026-03-02T18:05:00Z"}
_PROGRESS: JsonDict = {
    "status": "completed",
    "rating": 90,
    "favorite": True,
    "notes": "The stories around the recipes are the best of it.",
    "started_at": "2024-05-01",
    "finished_at": "2024-05-17",
    "pass_number": 1,
}
_CHANGE: JsonDict = {"at": "2026-03-02T18:05:00Z", "action": "set", **_PROGRESS}
_BRIEF: JsonDict = {
    "media_type": "book",
    "title": "Computer Algebra Recipes",
    "subtitle": "An Advanced Guide to Scientific Modeling",
    "release_date": "2007-12-31",
    "cover_image_url": "https://books.google.com.br/books/content?id=g9_iebhkbNcC&printsec=frontcover&img=1&zoom=1",
}
_CREATORS: JsonDict = {"creators": "Richard H. Enns, George C. McGuire"}

BOOK: JsonDict = {
    "authors": ["Richard H. Enns", "George C. McGuire"],
    "page_count": 384,
    "isbn_10": "0387493336",
    "isbn_13": "9780387493336",
    "publisher": "Springer Science & Business Media",
    "language": "en",
}
MOVIE: JsonDict = {
    "tmdb_type": "movie",
    "runtime": 60,
    "directors": ["Euros Lyn"],
    "original_title": "Doctor Who: The Runaway Bride",
}
GAME: JsonDict = {
    "platforms": ["Wii"],
    "developers": ["Nintendo EAD", "Omega Force"],
    "publishers": ["Koei Tecmo", "Nintendo"],
}
MUSIC: JsonDict = {
    "kind": "track",
    "artist": "Linkin Park",
    "album": "Road To Revolution: Live at Milton Keynes",
    "track_number": 1,
    "duration_ms": 157_000,
}
_OWN: JsonDict = {
    **_BRIEF,
    "description": "Models of nature, worked out with a computer algebra system.",
    "metadata": {"shelf": "Mathematics"},
    "details": BOOK,
    "edited_fields": ["description", "isbn_10", "isbn_13", "metadata", "title"],
    "locks": ["cover_image_url"],
}

TAG_LABEL: JsonDict = {"id": "0198c5a2-1c4d-7e5f-9a6b-7c8d9e0f1a2b", "name": "To reread"}
TAG: JsonDict = {**TAG_LABEL, "item_count": 2, "version": 1, **_CREATED, **_UPDATED}
STATE: JsonDict = {**_PROGRESS, "version": 2, **_CREATED, **_UPDATED}
LOG_ENTRY: JsonDict = {"id": "0198c5a3-2d5e-7f6a-8b7c-8d9e0f1a2b3c", **_CHANGE}

ITEM: JsonDict = {
    "id": _BOOK_ID,
    **_OWN,
    "locked_fields": ["cover_image_url", "description", "isbn_10", "isbn_13", "metadata", "title"],
    "created_by": _USER_ID,
    "own": True,
    "version": 3,
    **_CREATED,
    **_UPDATED,
}
SOURCE: JsonDict = {
    "source": "google_books",
    "kind": "volume",
    "external_id": "g9_iebhkbNcC",
    "url": "https://books.google.com.br/books/about/Computer_Algebra_Recipes.html?id=g9_iebhkbNcC",
    "fetched_at": "2026-03-02T18:05:00Z",
}
TAKEN_IN: JsonDict = ITEM
ITEM_WITH: JsonDict = {**ITEM, "sources": [SOURCE], "tags": [TAG_LABEL], "state": STATE}

LIBRARY_ITEM: JsonDict = {"id": _BOOK_ID, **_BRIEF, **_CREATORS}
LIBRARY_ENTRY: JsonDict = {**STATE, "item": LIBRARY_ITEM, "tags": [TAG_LABEL]}
SUMS: JsonDict = {"count": 1, "favorites": 1, "rated": 1, "average_rating": 90.0}
_BOTH: JsonDict = {"count": 2, "favorites": 1, "rated": 2, "average_rating": 85.0}
_OTHER: JsonDict = {"count": 1, "favorites": 0, "rated": 1, "average_rating": 80.0}
STATUS_SUMS: JsonDict = {**_BOTH, "status": "completed"}
TYPE_SUMS: JsonDict = {**SUMS, "media_type": "book"}
MONTH_SUMS: JsonDict = {**SUMS, "month": "2024-05"}
STATS: JsonDict = {
    **_BOTH,
    "by_status": [STATUS_SUMS],
    "by_type": [TYPE_SUMS, {**_OTHER, "media_type": "game"}],
    "by_month": [MONTH_SUMS, {**_OTHER, "month": "2024-03"}],
}

HIT: JsonDict = {**LIBRARY_ITEM, "match": "prefix"}
SOURCE_REPORT: JsonDict = {"status": "ok", "found": 1, "took_ms": 212}
SEARCH: JsonDict = {
    "items": [HIT],
    "sources": {"google_books": SOURCE_REPORT, "igdb": {"status": "not_configured", "found": 0, "took_ms": 0}},
}
INGESTED: JsonDict = {
    "id": "0198c5a4-3e6f-7a7b-9c8d-9e0f1a2b3c4d",
    "external_id": "tv/37759",
    "title": "Dallas",
    "created": True,
}
_INGESTED_BEFORE: JsonDict = {
    "id": "0198c5a5-4f7a-7b8c-8d9e-0f1a2b3c4d5e",
    "external_id": "tv/40",
    "title": "Dallas",
    "created": False,
}
INGEST: JsonDict = {"source": "tmdb", "created": 1, "known": 1, "items": [INGESTED, _INGESTED_BEFORE]}
PROVIDER: JsonDict = {
    "name": "tmdb",
    "media_types": ["movie", "tv"],
    "configured": True,
    "breaker": "closed",
    "last_success": "2026-03-02T18:05:00Z",
    "quota_left": 38,
}
PROVIDERS: JsonDict = {"items": [PROVIDER]}

IMPORT: JsonDict = {
    "id": "0198c5a6-5a8b-7c9d-9e0f-1a2b3c4d5e6f",
    "format": "goodreads",
    "filename": "goodreads_library_export.csv",
    "dry_run": False,
    "status": "failed",
    "detail": "The process that ran this import has ended. Import the file again: what was imported stays as it is.",
    "row_count": 3,
    "imported_count": 1,
    "unchanged_count": 1,
    "skipped_count": 0,
    "failed_count": 1,
    "created_item_count": 1,
    **_CREATED,
    "updated_at": "2026-03-01T09:30:02Z",
    "finished_at": "2026-03-01T09:30:02Z",
}
IMPORT_ROW: JsonDict = {
    "row_number": 3,
    "status": "failed",
    "title": "Computer Algebra Recipes",
    "item_id": _BOOK_ID,
    "reason": "Date Read is no day of the calendar.",
    "guess": {
        "media_type": "book",
        "title": "Computer Algebra Recipes",
        "creators": "Richard H. Enns, George C. McGuire",
        "release_date": "2007",
    },
}

RECORDS: list[JsonDict] = [
    {"record": "tag", "title": "To reread"},
    {
        "record": "item",
        "id": _BOOK_ID,
        **_OWN,
        "own": True,
        "sources": [{name: SOURCE[name] for name in ("source", "kind", "external_id")}],
        "tags": ["To reread"],
        "state": _PROGRESS,
        "log": [_CHANGE],
    },
]
