"""Last.fm: a track or an album as ours; XML turned into JSON, so that one of a list may be an object, none a blank."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote

from monocoque_media.connectors import cleaning
from monocoque_media.connectors.fields import Field, build, one
from monocoque_media.contracts import MAX_EXTERNAL_ID, MAX_INT, NormalisedItem, PartialDate

SOURCE = "lastfm"
MBID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SIZES = ("mega", "extralarge", "large", "medium", "small", "")
# A star that stands for every track without a picture.
_PLACEHOLDER = "2a96cbd8b46e442fc41c2b86b821562f"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_RELEASED = re.compile(r"([0-9]{1,2}) ([A-Z][a-z]{2})[a-z]* ([0-9]{4})(?:,.*)?", re.DOTALL)
_MORE = re.compile(r'\s*<a [^<>]*href="[^"<>]*last\.fm/[^<>]*>\s*Read more[^<>]*</a>\.?', re.IGNORECASE)
_LICENCE = re.compile(r"\s*User-contributed text is available under.*", re.DOTALL)


def external_id(kind: str, artist: str, title: str) -> str:
    """`track/<artist>/<title>` or `album/<artist>/<title>`, the parts percent-encoded."""
    return f"{kind}/{quote(artist, safe='')}/{quote(title, safe='')}"


def parts_of(given: str) -> tuple[str, dict[str, str]] | None:
    """Kind and request parameters of an external id: artist and title, or `track/<mbid>`; None for what is neither."""
    kind, *parts = given.split("/")
    if kind not in {"track", "album"} or len(given) > MAX_EXTERNAL_ID:
        return None
    if len(parts) == 1 and MBID.fullmatch(parts[0]):
        return kind, {"mbid": parts[0].lower()}
    found = [cleaning.line(unquote(part)) for part in parts]
    if len(found) != 2 or not found[0] or not found[1]:
        return None
    return kind, {"artist": found[0], kind: found[1]}


def _id(kind: str) -> Any:
    def of(name: Any, artist: Any) -> str | None:
        title, maker = cleaning.line(name), cleaning.name(artist)
        made = external_id(kind, maker, title) if title and maker else ""
        return made if 0 < len(made) <= MAX_EXTERNAL_ID else None

    return of


def image(*lists: Any) -> str | None:
    """The largest picture of the first list that has one; the placeholder is none."""
    for value in lists:
        found = [
            (_SIZES.index(entry.get("size")), address)
            for entry in cleaning.objects(value)
            if entry.get("size") in _SIZES
            and (address := cleaning.url(entry.get("#text")))
            and _PLACEHOLDER not in address
        ]
        if found:
            return min(found)[1]
    return None


def _wiki(content: Any, summary: Any) -> str | None:
    for value in (content, summary):
        if isinstance(value, str):
            found = cleaning.plain(_LICENCE.sub("", _MORE.sub("", value)))
            if found:
                return found
    return None


def released(value: Any) -> PartialDate | None:
    """Of `    28 May 2012, 00:00` the day."""
    match = _RELEASED.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or match[2] not in _MONTHS:
        return None
    return cleaning.partial_date(f"{match[3]}-{_MONTHS.index(match[2]) + 1:02}-{int(match[1]):02}")


def _tracks(value: Any) -> list[dict[str, Any]]:
    found = []
    for entry in cleaning.objects(value)[:100]:
        title = cleaning.line(entry.get("name"))
        if title:
            seconds = cleaning.whole(entry.get("duration"), 1, MAX_INT // 1000)
            found.append({"title": title, "duration_ms": seconds * 1000} if seconds else {"title": title})
    return found


def _length(value: Any) -> int | None:
    """Of all tracks together, in milliseconds; None where one is unknown."""
    lengths = [cleaning.whole(entry.get("duration"), 1, MAX_INT // 1000) for entry in cleaning.objects(value)]
    if not lengths or None in lengths:
        return None
    total = sum(length for length in lengths if length) * 1000
    return total if total <= MAX_INT else None


def _mbid(value: Any) -> str | None:
    return cleaning.pattern(value, MBID)


def _common(kind: str) -> tuple[Field, ...]:
    return (
        Field("external_id", ("name", "artist"), _id(kind), f"`{kind}/<artist>/<name>`, percent-encoded"),
        one("title", "name", cleaning.line),
        Field("description", ("wiki.content", "wiki.summary"), _wiki, "HTML to text, without notes on the licence"),
        one("url", "url", cleaning.url),
        one("details.artist", "artist", cleaning.name, "a text, or an object with a name"),
        one("metadata.mbid", "mbid", _mbid, "blank is unknown"),
        one("metadata.listeners", "listeners", cleaning.whole, "a number, also as text"),
        one("metadata.playcount", "playcount", lambda value: cleaning.whole(value, 1, 2**53), "a number, also as text"),
        one("metadata.tags", "toptags.tag", cleaning.names, "their names"),
    )


TRACK_FIELDS = (
    *_common("track"),
    Field("cover_image_url", ("image", "album.image"), image, "the largest; the placeholder is none"),
    one("details.album", "album.title", cleaning.line),
    one("details.track_number", "album.@attr.position", cleaning.whole),
    one("details.duration_ms", "duration", cleaning.whole, "milliseconds; 0 is unknown"),
)
ALBUM_FIELDS = (
    *_common("album"),
    one("cover_image_url", "image", image, "the largest; the placeholder is none"),
    one("release", "releasedate", released, "`28 May 2012, 00:00`, in older answers only"),
    one("details.album", "name", cleaning.line),
    one("details.duration_ms", "tracks.track", _length, "seconds of all tracks together, where all are known"),
    one("metadata.tracks", "tracks.track", _tracks, "title and length of the first 100"),
)


def map_track(payload: Any) -> NormalisedItem:
    """A track, from a search or alone; raises ProviderAnswerInvalid."""
    return build(TRACK_FIELDS, payload, source=SOURCE, kind="track", media_type="music", fixed={"kind": "track"})


def map_album(payload: Any) -> NormalisedItem:
    """An album, from a search or alone; raises ProviderAnswerInvalid."""
    return build(ALBUM_FIELDS, payload, source=SOURCE, kind="album", media_type="music", fixed={"kind": "album"})
