"""A source of another module, held to the same promises as ours."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from monocoque_media.connectors.watch import Watch
from monocoque_media.contracts import (
    Connector,
    ConnectorHealth,
    MediaType,
    NormalisedItem,
    NotConfigured,
    ProviderAnswerInvalid,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
)
from monocoque_media.settings import MediaSettings

_log = logging.getLogger("monocoque.media.connectors")


class Guarded:
    """Gives a foreign connector time limit, breaker, rests, places for so many calls at once, and lines in the log.

    Whatever it raises becomes a ProviderError. How often it asks anew, and how it pages, is its own affair.
    """

    def __init__(self, inner: Connector, settings: MediaSettings) -> None:
        self.name = inner.name
        self.media_types = frozenset(inner.media_types)
        self._inner = inner
        self._limit = settings.provider_timeout_seconds
        self._slots = asyncio.Semaphore(settings.provider_concurrency)
        self._watch = Watch(inner.name, settings)

    @property
    def configured(self) -> bool:
        try:
            return bool(self._inner.configured)
        except Exception:  # noqa: BLE001  asked in the middle of what is not about this source alone
            _log.exception("source=%s could not say whether it is configured", self.name)
            return False

    def health(self) -> ConnectorHealth:
        return self._watch.health(configured=self.configured)

    async def close(self) -> None:
        try:
            await self._inner.close()
        except Exception:  # noqa: BLE001  another module's code; the rest has to be closed too
            _log.exception("source=%s could not be closed", self.name)

    async def search(
        self, query: str, *, media_type: MediaType | None = None, year: int | None = None, max_results: int = 20
    ) -> list[NormalisedItem]:
        if media_type is not None and media_type not in self.media_types:
            return []
        found = await self._held(
            "search", lambda: self._inner.search(query, media_type=media_type, year=year, max_results=max_results)
        )
        if not isinstance(found, list):
            raise ProviderAnswerInvalid(self.name, "gave something that is no list of items")
        return [self._checked(item) for item in found[:max_results]]

    async def fetch(self, external_id: str) -> NormalisedItem:
        return self._checked(await self._held("fetch", lambda: self._inner.fetch(external_id)))

    async def _held(self, label: str, call: Callable[[], Awaitable[Any]]) -> Any:
        if not self.configured:
            raise NotConfigured(self.name, "is not configured")
        with self._watch.call(label):
            return await self._in_time(call)

    async def _in_time(self, call: Callable[[], Awaitable[Any]]) -> Any:
        try:
            async with asyncio.timeout(self._limit), self._slots:
                return await call()
        except ProviderError:
            raise
        except TimeoutError:
            raise ProviderTimeout(self.name, f"did not answer within {self._limit:g} seconds") from None
        except Exception as error:
            _log.exception("source=%s outcome=broken", self.name)
            raise ProviderUnavailable(self.name, "failed") from error

    def _checked(self, item: Any) -> NormalisedItem:
        if not isinstance(item, NormalisedItem) or item.source != self.name:
            raise ProviderAnswerInvalid(self.name, "gave something that is no item of its own")
        return item
