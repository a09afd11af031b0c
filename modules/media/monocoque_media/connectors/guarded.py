"""A source of another module, held to the same promises as ours."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeGuard

from monocoque_media.connectors.watch import Watch
from monocoque_media.contracts import (
    MAX_INT,
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
        """As we see it, with the calls left and the last success that it tells of itself, where that makes sense."""
        ours = self._watch.health(configured=self.configured)
        try:
            told = self._inner.health()
            if isinstance(told, Coroutine):
                told.close()
            quota_left, last_success = _sensible(told)
        except Exception:  # noqa: BLE001  asked in the middle of what is not about this source alone
            _log.exception("source=%s could not say how it is doing", self.name)
            return ours
        known = [moment for moment in (ours.last_success, last_success) if moment is not None]
        return replace(
            ours,
            last_success=max(known, default=None),
            quota_left=ours.quota_left if quota_left is None else quota_left,
        )

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
        own = [item for item in found if self._is_own(item)]
        if len(own) < len(found):
            _log.warning(
                "source=%s call=search left_out=%d that are no items of its own", self.name, len(found) - len(own)
            )
            if not own:
                raise self._foreign()
        return own[:max_results]

    async def fetch(self, external_id: str) -> NormalisedItem:
        item = await self._held("fetch", lambda: self._inner.fetch(external_id))
        if not self._is_own(item):
            raise self._foreign()
        return item

    async def _held(self, label: str, call: Callable[[], Awaitable[Any]]) -> Any:
        if not self.configured:
            raise NotConfigured(self.name, "is not configured")
        with self._watch.call(label):
            answer = await self._in_time(call)
        # That it had none left was true until it answered.
        self._watch.quota_left = None
        return answer

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

    def _is_own(self, item: Any) -> TypeGuard[NormalisedItem]:
        return isinstance(item, NormalisedItem) and item.source == self.name

    def _foreign(self) -> ProviderAnswerInvalid:
        return ProviderAnswerInvalid(self.name, "gave something that is no item of its own")


def _sensible(told: Any) -> tuple[int | None, datetime | None]:
    """The calls left and the last success, None for what is no number of calls and no moment."""
    quota_left = getattr(told, "quota_left", None)
    if isinstance(quota_left, bool) or not isinstance(quota_left, int) or not 0 <= quota_left <= MAX_INT:
        quota_left = None
    moment = getattr(told, "last_success", None)
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        return quota_left, None
    return quota_left, moment.astimezone(UTC)
