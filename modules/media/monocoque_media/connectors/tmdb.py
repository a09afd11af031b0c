"""TMDB: films and series."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from monocoque_media.connectors.base import Source, interleaved, member
from monocoque_media.connectors.cleaning import entries, line, whole
from monocoque_media.connectors.http import Answer, Call, Fault, Http, Keys
from monocoque_media.connectors.mapping_tmdb import ID, SOURCE, Kind, map_mixed, map_title
from monocoque_media.contracts import ItemUnknown, MediaType, NormalisedItem
from monocoque_media.settings import MediaSettings

_UNKNOWN = frozenset({6, 34})
_REFUSED = frozenset({3, 7, 10, 14, 35})
_LIMITED = 25
_LAST_PAGE = 500
_YEAR = {"movie": "primary_release_year", "tv": "first_air_date_year"}


class Tmdb(Source):
    """Films and series; a search gives them in brief, a fetch with credits."""

    name = SOURCE
    media_types: frozenset[MediaType] = frozenset({"movie", "tv"})
    page_size = 20

    def __init__(self, settings: MediaSettings) -> None:
        token = settings.tmdb_token
        keys = Keys(headers={"Authorization": f"Bearer {token.get_secret_value()}"}) if token else None
        super().__init__(settings, Http(SOURCE, settings.tmdb_base_url, settings, keys), configured=bool(token))

    async def search(
        self, query: str, *, media_type: MediaType | None = None, year: int | None = None, max_results: int = 20
    ) -> list[NormalisedItem]:
        """Films, series or both; the year is that of the release or the first broadcast."""
        wanted = line(query, 300)
        if not wanted or (media_type is not None and media_type not in self.media_types):
            return []
        if media_type == "movie" or media_type == "tv":  # noqa: PLR1714  narrows the type
            return await self._titles(media_type, wanted, year, max_results)
        if year is None:
            return await self._found("/search/multi", map_mixed, wanted, (), max_results)
        # The search over everything knows no year.
        both = await asyncio.gather(
            self._titles("movie", wanted, year, max_results), self._titles("tv", wanted, year, max_results)
        )
        return interleaved(*both)[:max_results]

    async def fetch(self, external_id: str) -> NormalisedItem:
        """`movie/603` or `tv/1399`."""
        match = ID.fullmatch(external_id)
        if match is None:
            raise self.unknown(external_id)
        kind: Kind = "movie" if match[1] == "movie" else "tv"
        more = (("language", self.settings.tmdb_language), ("append_to_response", "credits,external_ids"))
        return map_title(await self.call(Call(f"/{kind}/{match[2]}", more)), kind)

    async def _titles(self, kind: Kind, query: str, year: int | None, max_results: int) -> list[NormalisedItem]:
        of_year = ((_YEAR[kind], str(year)),) if year is not None else ()
        return await self._found(
            f"/search/{kind}", lambda payload: map_title(payload, kind), query, of_year, max_results
        )

    async def _found(
        self,
        path: str,
        mapping: Callable[[Any], NormalisedItem],
        query: str,
        more: tuple[tuple[str, str], ...],
        max_results: int,
    ) -> list[NormalisedItem]:
        async def page(index: int) -> tuple[list[NormalisedItem], bool]:
            parameters = (
                ("query", query),
                ("page", str(index + 1)),
                ("language", self.settings.tmdb_language),
                ("include_adult", "false"),
                *more,
            )
            document = self.expected(await self.call(Call(path, parameters)))
            results = entries(member(document, "results"))
            pages = whole(member(document, "total_pages"), 0, _LAST_PAGE)
            return self.mapped(mapping, results), not results or index + 1 >= (_LAST_PAGE if pages is None else pages)

        return await self.pages(max_results, page)

    def fault_of(self, answer: Answer) -> Fault | None:
        code = whole(member(answer.document, "status_code"))
        if answer.status >= 400 or member(answer.document, "success") is False:
            if code in _UNKNOWN:
                return Fault(ItemUnknown(SOURCE, "knows nothing by this id"))
            if code in _REFUSED:
                return self.refused_key()
            if code == _LIMITED:
                return self.limited(answer)
        return super().fault_of(answer)
