"""Google Books: a volume as one of our books."""

from __future__ import annotations

import re
from typing import Any

from monocoque_media import isbn
from monocoque_media.connectors import cleaning
from monocoque_media.connectors.fields import Field, build, one
from monocoque_media.contracts import NormalisedItem

SOURCE = "google_books"
ID = re.compile(r"[A-Za-z0-9_-]{4,40}")
_SIZES = ("extraLarge", "large", "medium", "small", "thumbnail", "smallThumbnail")


def _https(*values: Any) -> str | None:
    return next((found for value in values if (found := cleaning.url(value, https=True))), None)


def _cover(links: Any) -> str | None:
    return _https(*(links.get(size) for size in _SIZES)) if isinstance(links, dict) else None


def _identifiers(value: Any, *kinds: str) -> list[str]:
    return [
        entry["identifier"]
        for entry in cleaning.objects(value)
        if entry.get("type") in kinds and isinstance(entry.get("identifier"), str)
    ]


def _isbns(value: Any) -> tuple[str | None, str | None]:
    return isbn.both(_identifiers(value, "ISBN_13", "ISBN_10"))


def _other_identifiers(value: Any) -> tuple[str, ...]:
    return cleaning.unique(cleaning.line(found, 100) for found in _identifiers(value, "ISSN", "OTHER"))


def _pages(pages: Any, printed: Any) -> int | None:
    return cleaning.whole(pages) or cleaning.whole(printed)


FIELDS = (
    one("external_id", "id", lambda value: cleaning.pattern(value, ID)),
    one("title", "volumeInfo.title", cleaning.line),
    one("subtitle", "volumeInfo.subtitle", cleaning.line),
    one("description", "volumeInfo.description", cleaning.plain, "HTML to text"),
    one("release", "volumeInfo.publishedDate", cleaning.partial_date, "year, month or day, as given"),
    one("cover_image_url", "volumeInfo.imageLinks", _cover, "the largest there is, by https"),
    Field("url", ("volumeInfo.canonicalVolumeLink", "volumeInfo.infoLink"), _https, "the first there is, by https"),
    one("details.authors", "volumeInfo.authors", cleaning.names),
    Field("details.page_count", ("volumeInfo.pageCount", "volumeInfo.printedPageCount"), _pages, "0 is unknown"),
    one(
        "details.isbn_10",
        "volumeInfo.industryIdentifiers",
        lambda value: _isbns(value)[0],
        "`ISBN_10` with a right check digit, else made from the ISBN-13",
    ),
    one(
        "details.isbn_13",
        "volumeInfo.industryIdentifiers",
        lambda value: _isbns(value)[1],
        "`ISBN_13` with a right check digit, else made from the ISBN-10",
    ),
    one("details.publisher", "volumeInfo.publisher", cleaning.line),
    one("details.language", "volumeInfo.language", lambda value: cleaning.line(value, 35)),
    one("metadata.categories", "volumeInfo.categories", cleaning.names),
    one("metadata.average_rating", "volumeInfo.averageRating", lambda value: cleaning.number(value, 0, 5), "0 to 5"),
    one("metadata.ratings_count", "volumeInfo.ratingsCount", cleaning.whole),
    one("metadata.maturity_rating", "volumeInfo.maturityRating", lambda value: cleaning.line(value, 40)),
    one("metadata.print_type", "volumeInfo.printType", lambda value: cleaning.line(value, 40)),
    one("metadata.identifiers", "volumeInfo.industryIdentifiers", _other_identifiers, "`ISSN` and `OTHER`"),
    one("metadata.preview_url", "volumeInfo.previewLink", _https, "by https"),
)


def map_volume(payload: Any) -> NormalisedItem:
    """A volume, from a search or alone; raises ProviderAnswerInvalid."""
    return build(FIELDS, payload, source=SOURCE, kind="volume", media_type="book")
