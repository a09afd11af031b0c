"""TMDB: a film or a series as ours, from a search or with credits and external ids appended."""

from __future__ import annotations

import re
from typing import Any, Literal

from monocoque_media.connectors import cleaning
from monocoque_media.connectors.fields import Field, build, one
from monocoque_media.contracts import MediaType, NormalisedItem, ProviderAnswerInvalid

SOURCE = "tmdb"
ID = re.compile(r"(movie|tv)/([1-9][0-9]{0,9})")
IMAGES = "https://image.tmdb.org/t/p"
PAGES = "https://www.themoviedb.org"
CAST = 20
_PATH = re.compile(r"/[A-Za-z0-9_-]{1,100}\.(jpg|jpeg|png|webp|svg)")
_IMDB = re.compile(r"tt[0-9]{5,12}")
Kind = Literal["movie", "tv"]


def _image(size: str) -> Any:
    def address(value: Any) -> str | None:
        path = cleaning.pattern(value, _PATH)
        return f"{IMAGES}/{size}{path}" if path else None

    return address


def _imdb(*values: Any) -> str | None:
    return next((found for value in values if (found := cleaning.pattern(value, _IMDB))), None)


def directors(crew: Any) -> tuple[str, ...]:
    """Names of the directors in a list of crew; a person may be in it more than once."""
    return cleaning.unique(cleaning.name(entry) for entry in cleaning.objects(crew) if entry.get("job") == "Director")


def _makers(created_by: Any, crew: Any) -> tuple[str, ...]:
    return cleaning.names(created_by) or directors(crew)


def _cast(value: Any) -> list[dict[str, str]]:
    found = []
    for entry in cleaning.objects(value):
        actor, role = cleaning.name(entry), cleaning.line(entry.get("character"), 200)
        if actor:
            found.append({"name": actor, "character": role} if role else {"name": actor})
        if len(found) == CAST:
            break
    return found


def _ids(value: Any) -> list[int]:
    return [found for entry in cleaning.entries(value)[:100] if (found := cleaning.whole(entry)) is not None]


def _first(value: Any) -> int | None:
    return next((found for entry in cleaning.entries(value) if (found := cleaning.whole(entry))), None)


def _countries(value: Any, produced: Any) -> tuple[str, ...]:
    codes = cleaning.entries(value) or [entry.get("iso_3166_1") for entry in cleaning.objects(produced)]
    return cleaning.unique(cleaning.line(code, 2) for code in codes)


def _common(kind: Kind) -> tuple[Field, ...]:
    def external_id(value: Any) -> str | None:
        number = cleaning.whole(value)
        return f"{kind}/{number}" if number else None

    def page(value: Any) -> str | None:
        number = cleaning.whole(value)
        return f"{PAGES}/{kind}/{number}" if number else None

    return (
        one("external_id", "id", external_id, f"`{kind}/` and the number"),
        one("description", "overview", cleaning.text),
        one("cover_image_url", "poster_path", _image("w500"), f"behind `{IMAGES}/w500`"),
        one("url", "id", page, f"behind `{PAGES}/{kind}/`"),
        one("metadata.backdrop_url", "backdrop_path", _image("w1280"), f"behind `{IMAGES}/w1280`"),
        one("metadata.genres", "genres", cleaning.names, "their names"),
        one("metadata.genre_ids", "genre_ids", _ids, "in searches only"),
        one("metadata.tagline", "tagline", cleaning.line),
        one("metadata.original_language", "original_language", lambda value: cleaning.line(value, 10)),
        Field("metadata.countries", ("origin_country", "production_countries"), _countries, "ISO 3166 codes"),
        one("metadata.status", "status", lambda value: cleaning.line(value, 40)),
        one("metadata.homepage", "homepage", cleaning.url),
        one("metadata.vote_average", "vote_average", lambda value: cleaning.number(value, 0, 10), "0 to 10"),
        one("metadata.vote_count", "vote_count", cleaning.whole),
        one("metadata.companies", "production_companies", cleaning.names, "their names"),
        one("metadata.cast", "credits.cast", _cast, f"name and character of the first {CAST}"),
        Field("metadata.imdb_id", ("imdb_id", "external_ids.imdb_id"), _imdb, "the first there is"),
        one("metadata.wikidata_id", "external_ids.wikidata_id", lambda value: cleaning.line(value, 20)),
    )


MOVIE_FIELDS = (
    *_common("movie"),
    one("title", "title", cleaning.line),
    one("release", "release_date", cleaning.partial_date, "empty is unknown"),
    one("details.runtime", "runtime", cleaning.whole, "minutes; 0 is unknown"),
    one("details.directors", "credits.crew", directors, "those whose job is Director, once each"),
    one("details.original_title", "original_title", cleaning.line),
    one("metadata.collection", "belongs_to_collection", cleaning.name, "its name"),
)
TV_FIELDS = (
    *_common("tv"),
    one("title", "name", cleaning.line),
    one("release", "first_air_date", cleaning.partial_date, "empty is unknown"),
    one("details.runtime", "episode_run_time", _first, "the first that is not 0, in minutes"),
    Field("details.directors", ("created_by", "credits.crew"), _makers, "who created it, else who directed it"),
    one("details.original_title", "original_name", cleaning.line),
    one("metadata.last_air_date", "last_air_date", lambda value: _iso(cleaning.partial_date(value))),
    one("metadata.seasons", "number_of_seasons", cleaning.whole),
    one("metadata.episodes", "number_of_episodes", cleaning.whole),
    one("metadata.networks", "networks", cleaning.names, "their names"),
    one("metadata.tvdb_id", "external_ids.tvdb_id", cleaning.whole),
)


def _iso(value: Any) -> str | None:
    return str(value) if value else None


def map_title(payload: Any, kind: Kind) -> NormalisedItem:
    """A film or a series, from a search or alone; raises ProviderAnswerInvalid."""
    media_type: MediaType = kind
    fields = MOVIE_FIELDS if kind == "movie" else TV_FIELDS
    return build(fields, payload, source=SOURCE, kind=kind, media_type=media_type, fixed={"tmdb_type": kind})


def map_mixed(payload: Any) -> NormalisedItem:
    """A result of a search over everything, which says itself what it is; a person is a ProviderAnswerInvalid."""
    kind = payload.get("media_type") if isinstance(payload, dict) else None
    if kind == "movie" or kind == "tv":  # noqa: PLR1714  narrows the type
        return map_title(payload, kind)
    raise ProviderAnswerInvalid(SOURCE, "gave something that is neither a film nor a series")
