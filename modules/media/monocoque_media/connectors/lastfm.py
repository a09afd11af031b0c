"""Last.fm: tracks and albums."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from monocoque_media.connectors.base import Source, interleaved, member
from monocoque_media.connectors.cleaning import entries, line, whole
from monocoque_media.connectors.http import Answer, Call, Fault, Http, Keys
from monocoque_media.connectors.mapping_lastfm import SOURCE, map_album, map_track, parts_of
from monocoque_media.contracts import ItemUnknown, MediaType, NormalisedItem, ProviderAnswerInvalid, ProviderUnavailable
from monocoque_media.settings import MediaSettings

_NOT_FOUND = frozenset({6, 7})
_REFUSED = frozenset({4, 9, 10, 13, 14, 26})
_DOWN = frozenset({8, 11, 16})
_LIMITED = 29
_FEW_LISTENERS = 10
_MAPPINGS: dict[str, Callable[[Any], NormalisedItem]] = {"track": map_track, "album": map_album}


class Lastfm(Source):
    """Music; Last.fm tells no years, so that a year leaves nothing out."""

    name = SOURCE
    media_types: frozenset[MediaType] = frozenset({"music"})
    page_size = 50

    def __init__(self, settings: MediaSettings) -> None:
        key = settings.lastfm_api_key
        keys = Keys(parameters={"api_key": key.get_secret_value()}) if key else None
        super().__init__(settings, Http(SOURCE, settings.lastfm_base_url, settings, keys), configured=bool(key))

    async def search(
        self,
        query: str,
        *,
        media_type: MediaType | None = None,
        year: int | None = None,  # noqa: ARG002  part of the contract
        max_results: int = 20,
    ) -> list[NormalisedItem]:
        """Tracks and albums in turn."""
        wanted = line(query, 300)
        if not wanted or media_type not in (None, "music"):
            return []
        both = await asyncio.gather(
            self._found("track", wanted, max_results), self._found("album", wanted, max_results)
        )
        return interleaved(*both)[:max_results]

    async def fetch(self, external_id: str) -> NormalisedItem:
        """`track/<artist>/<title>` or `album/<artist>/<title>`, percent-encoded, or `track/<mbid>`."""
        parts = parts_of(external_id)
        if parts is None:
            raise self.unknown(external_id)
        kind, asked = parts
        document = await self._ask(f"{kind}.getInfo", {**asked, "autocorrect": "0"})
        payload = member(document, kind)
        if kind == "track" and _is_made_up(payload):
            raise ItemUnknown(SOURCE, "knows nothing by this id")
        return _MAPPINGS[kind](payload)

    async def _ask(self, method: str, parameters: dict[str, str]) -> Any:
        call = Call("/", (("method", method), ("format", "json"), *parameters.items()))
        return self.expected(await self.call(call))

    async def _found(self, kind: str, query: str, max_results: int) -> list[NormalisedItem]:
        size = min(self.page_size, max_results)

        async def page(index: int) -> tuple[list[NormalisedItem], bool]:
            document = await self._ask(f"{kind}.search", {kind: query, "limit": str(size), "page": str(index + 1)})
            found = entries(member(document, "results", f"{kind}matches", kind))
            total = whole(member(document, "results", "opensearch:totalResults"), 0)
            done = not found or (total is not None and (index + 1) * size >= total)
            return self.mapped(_MAPPINGS[kind], found), done

        return await self.pages(max_results, page)

    def fault_of(self, answer: Answer) -> Fault | None:
        """Errors of Last.fm stand in the body, often under status 200."""
        error = member(answer.document, "error")
        if error is None:
            return super().fault_of(answer)
        code = whole(error)
        if code in _NOT_FOUND:
            return Fault(ItemUnknown(SOURCE, "knows nothing by this id"))
        if code in _REFUSED:
            return self.refused_key()
        if code == _LIMITED:
            return self.limited(answer)
        if code in _DOWN:
            return Fault(ProviderUnavailable(SOURCE, f"failed with error {code}"), again=True)
        return super().fault_of(answer) or Fault(ProviderAnswerInvalid(SOURCE, "refused what we asked"))


def _is_made_up(track: Any) -> bool:
    """Whether the answer only repeats the question: so are tracks answered that nobody knows."""
    known = (
        whole(member(track, "duration"))
        or line(member(track, "mbid"))
        or member(track, "album")
        or member(track, "wiki")
    )
    tagged = entries(member(track, "toptags", "tag"))
    listeners = whole(member(track, "listeners"), 0)
    return not known and not tagged and listeners is not None and listeners < _FEW_LISTENERS
