"""IGDB: games; asked in Apicalypse, with a token of Twitch."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from monocoque_media.connectors.base import Source, member
from monocoque_media.connectors.cleaning import line, whole
from monocoque_media.connectors.http import Answer, Call, Fault, Http, Keys
from monocoque_media.connectors.mapping_igdb import ID, SOURCE, map_game
from monocoque_media.contracts import (
    ItemUnknown,
    MediaType,
    NormalisedItem,
    ProviderAnswerInvalid,
    ProviderUnavailable,
)
from monocoque_media.settings import MediaSettings

FIELDS = (
    "fields *,cover.*,genres.name,themes.name,game_modes.name,platforms.name,platforms.abbreviation,"
    "involved_companies.*,involved_companies.company.name,release_dates.*,websites.url;"
)
_MARGIN = 60.0


def quoted(text: str) -> str:
    """A string of Apicalypse: what would end it, or begin something else, means itself."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class Igdb(Source):
    """Games; at most four requests begin in a second and eight are open, as IGDB wants it."""

    name = SOURCE
    media_types: frozenset[MediaType] = frozenset({"game"})
    page_size = 50
    per_second = 4

    def __init__(self, settings: MediaSettings) -> None:
        client_id, secret = settings.igdb_client_id, settings.igdb_client_secret
        self._credentials: tuple[tuple[str, str], ...] = ()
        keys = None
        if client_id and secret:
            self._credentials = (
                ("client_id", client_id.get_secret_value()),
                ("client_secret", secret.get_secret_value()),
                ("grant_type", "client_credentials"),
            )
            keys = Keys(headers={"Client-ID": client_id.get_secret_value()})
        super().__init__(
            settings, Http(SOURCE, settings.igdb_base_url, settings, keys), configured=bool(client_id and secret)
        )
        self._twitch = Http(SOURCE, settings.twitch_base_url, settings)
        self._token: str | None = None
        self._expires = 0.0
        self._renewing = asyncio.Lock()

    async def close(self) -> None:
        await super().close()
        await self._twitch.close()

    async def search(
        self, query: str, *, media_type: MediaType | None = None, year: int | None = None, max_results: int = 20
    ) -> list[NormalisedItem]:
        """Games, those of a year by their first release."""
        wanted = line(query, 300)
        if not wanted or media_type not in (None, "game"):
            return []
        where = ""
        if year is not None:
            first, last = (
                int(datetime(at, 1, 1, tzinfo=UTC).timestamp())
                for at in (max(1, min(year, 9998)), max(1, min(year, 9998)) + 1)
            )
            where = f" where first_release_date >= {first} & first_release_date < {last};"
        size = min(self.page_size, max_results)

        async def page(index: int) -> tuple[list[NormalisedItem], bool]:
            asked = f"search {quoted(wanted)}; {FIELDS}{where} limit {size}; offset {index * self.page_size};"
            games = self._list(await self.call(Call("/games", content=asked)))
            return self.mapped(map_game, games), len(games) < size

        return await self.pages(max_results, page)

    async def fetch(self, external_id: str) -> NormalisedItem:
        """A game by its number."""
        if not ID.fullmatch(external_id):
            raise self.unknown(external_id)
        games = self._list(await self.call(Call("/games", content=f"{FIELDS} where id = {external_id}; limit 1;")))
        if not games:
            raise ItemUnknown(SOURCE, "knows nothing by this id")
        return map_game(games[0])

    def _list(self, document: object) -> list[object]:
        if not isinstance(document, list):
            raise ProviderAnswerInvalid(SOURCE, "gave something that is no list of games")
        return document

    async def exchange(self, call: Call) -> Answer:
        """With a token; one that is refused is renewed once."""
        token = await self._current_token()
        answer = await self._http.exchange(call, {"Authorization": f"Bearer {token}"})
        if answer.status != 401:
            return answer
        if self._token == token:
            self._token = None
        await self._pace.wait()
        token = await self._current_token()
        return await self._http.exchange(call, {"Authorization": f"Bearer {token}"})

    async def _current_token(self) -> str:
        # Whoever waits here finds the token that the first one got.
        async with self._renewing:
            if self._token is None or time.monotonic() >= self._expires:
                self._token, lifetime = await self._new_token()
                self._expires = time.monotonic() + lifetime
            return self._token

    async def _new_token(self) -> tuple[str, float]:
        answer = await self._twitch.exchange(Call("/oauth2/token", form=self._credentials))
        if answer.status in {400, 401, 403, 404}:
            raise Fault(ProviderUnavailable(SOURCE, "refused our client id or secret at Twitch"))
        fault = super().fault_of(answer)
        if fault is not None:
            raise fault
        token = member(answer.document, "access_token")
        seconds = whole(member(answer.document, "expires_in"), 1)
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or seconds is None:
            raise Fault(ProviderAnswerInvalid(SOURCE, "got no usable token from Twitch"))
        return token, max(seconds - _MARGIN, seconds / 2)
