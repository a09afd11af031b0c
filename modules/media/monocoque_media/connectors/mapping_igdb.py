"""IGDB: a game as ours; relations may be ids or objects, also within one list, and ids tell nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from monocoque_media.connectors import cleaning
from monocoque_media.connectors.fields import Field, build, one
from monocoque_media.contracts import NormalisedItem, PartialDate, Precision, ProviderAnswerInvalid

SOURCE = "igdb"
ID = re.compile(r"[1-9][0-9]{0,9}")
IMAGES = "https://images.igdb.com/igdb/image/upload"
_IMAGE_ID = re.compile(r"[A-Za-z0-9_-]{1,60}")
# As `category` and `date_format` number them; the quarters, 3 to 6, are no months.
_PRECISIONS: dict[int, Precision | None] = {0: "day", 1: "month", 2: "year", 3: "year", 4: "year", 5: "year", 6: "year"}
_TO_BE_DETERMINED = 7
_HUMAN_DAY = re.compile(r"[0-9]{4}-[A-Za-z]{3}-[0-9]{2}|[A-Za-z]{3} [0-9]{2}, [0-9]{4}")
_HUMAN_MONTH = re.compile(r"[0-9]{4}-[A-Za-z]{3}|[A-Za-z]{3} [0-9]{4}")
_HUMAN_LESS = re.compile(r"(?:Q[1-4] )?[0-9]{4}(?:-?Q[1-4])?")


def _whole_of(day: date, precision: Precision) -> PartialDate:
    if precision == "year":
        return PartialDate(day.replace(month=1, day=1), "year")
    return PartialDate(day.replace(day=1) if precision == "month" else day, precision)


def _precision(entry: dict[str, Any]) -> Precision | None:
    """How precise a release date is; None where it is to be determined."""
    for name in ("category", "date_format"):
        value = entry.get(name)
        form = cleaning.whole(value.get("id") if isinstance(value, dict) else value, 0, _TO_BE_DETERMINED)
        if form is not None:
            return _PRECISIONS.get(form)
    human = cleaning.line(entry.get("human"), 40) or ""
    for precision, form_of in _HUMAN_FORMS:
        if form_of.fullmatch(human):
            return precision
    return None if human == "TBD" else "day"


_HUMAN_FORMS: tuple[tuple[Precision, re.Pattern[str]], ...] = (
    ("day", _HUMAN_DAY),
    ("month", _HUMAN_MONTH),
    ("year", _HUMAN_LESS),
)


def release_of(first: Any, dates: Any) -> PartialDate | None:
    """The first release, as precise as the list of release dates says it is; from that list where it stands alone."""
    known = [
        (day, precision)
        for entry in cleaning.objects(dates)
        if (day := cleaning.day_of(entry.get("date"))) and (precision := _precision(entry))
    ]
    day = cleaning.day_of(first)
    if day is None:
        return min((_whole_of(*entry) for entry in known), key=lambda found: found.value, default=None)
    # A day is the truth for one platform where another has only the year.
    precisions: list[Precision] = [precision for other, precision in known if other == day]
    finest: Precision = min(precisions, key=("day", "month", "year").index, default="day")
    return _whole_of(day, finest)


def cover(value: Any) -> str | None:
    """The address of a picture large enough to show, from a cover object; None from its id."""
    if not isinstance(value, dict):
        return None
    image_id = cleaning.pattern(value.get("image_id"), _IMAGE_ID)
    if image_id:
        return f"{IMAGES}/t_cover_big/{image_id}.jpg"
    found = cleaning.url(value.get("url"))
    return found.replace("/t_thumb/", "/t_cover_big/") if found else None


def companies(part: str) -> Callable[[Any], tuple[str, ...]]:
    """The names of the companies that play a part, `developer` or `publisher`, once each."""

    def of(value: Any) -> tuple[str, ...]:
        playing = [entry.get("company") for entry in cleaning.objects(value) if entry.get(part) is True]
        return cleaning.unique(cleaning.name(company) for company in playing)

    return of


def _names(value: Any) -> tuple[str, ...]:
    return cleaning.unique(cleaning.name(entry) for entry in cleaning.objects(value))


def _id(value: Any) -> str | None:
    found = cleaning.whole(value)
    return str(found) if found else None


def _urls(value: Any) -> tuple[str, ...]:
    return cleaning.unique(cleaning.url(entry.get("url")) for entry in cleaning.objects(value))


def _summary(summary: Any, storyline: Any) -> str | None:
    return cleaning.text(summary) or cleaning.text(storyline)


def _type(game_type: Any, category: Any) -> int | None:
    game_type = game_type.get("id") if isinstance(game_type, dict) else game_type
    found = cleaning.whole(game_type, 0, 1000)
    return found if found is not None else cleaning.whole(category, 0, 1000)


def _rating(value: Any) -> float | None:
    return cleaning.number(value, 0, 100)


FIELDS = (
    one("external_id", "id", _id, "the number, as text"),
    one("title", "name", cleaning.line),
    Field("description", ("summary", "storyline"), _summary, "the first there is"),
    Field(
        "release",
        ("first_release_date", "release_dates"),
        release_of,
        "Unix seconds, UTC; the precision is that of the release date of the same day; quarters count as years",
    ),
    one("cover_image_url", "cover", cover, f"`{IMAGES}/t_cover_big/<image_id>.jpg`, else `url` by https"),
    one("url", "url", cleaning.url),
    one("details.platforms", "platforms", _names, "their names, where they are objects"),
    one("details.developers", "involved_companies", companies("developer"), "companies with `developer`, once each"),
    one("details.publishers", "involved_companies", companies("publisher"), "companies with `publisher`, once each"),
    one("metadata.genres", "genres", _names, "their names, where they are objects"),
    one("metadata.themes", "themes", _names, "their names, where they are objects"),
    one("metadata.game_modes", "game_modes", _names, "their names, where they are objects"),
    Field("metadata.game_type", ("game_type", "category"), _type, "IGDB's number; older answers call it category"),
    one("metadata.rating", "rating", _rating, "0 to 100"),
    one("metadata.rating_count", "rating_count", cleaning.whole),
    one("metadata.aggregated_rating", "aggregated_rating", _rating, "0 to 100"),
    one("metadata.slug", "slug", lambda value: cleaning.line(value, 200)),
    one("metadata.websites", "websites", _urls, "their addresses, where they are objects"),
)
ROW_FIELDS = (
    one("external_id", "game", lambda value: _id(value.get("id") if isinstance(value, dict) else value), "the game's"),
    one("title", "name", cleaning.line),
    one("release", "published_at", lambda value: release_of(value, None), "Unix seconds, UTC"),
    one("metadata.alternative_name", "alternative_name", cleaning.line),
)


def map_game(payload: Any) -> NormalisedItem:
    """A game of the endpoint `games`; raises ProviderAnswerInvalid."""
    return build(FIELDS, payload, source=SOURCE, kind="game", media_type="game")


def map_search_row(payload: Any) -> NormalisedItem:
    """A row of the endpoint `search`, which names a game, a company or a collection; raises ProviderAnswerInvalid."""
    if not isinstance(payload, dict) or payload.get("game") is None:
        raise ProviderAnswerInvalid(SOURCE, "gave a row that is no game")
    return build(ROW_FIELDS, payload, source=SOURCE, kind="game", media_type="game")
