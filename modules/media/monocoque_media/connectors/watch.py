"""How a source is doing: whether it may be asked just now, what came of each call, and when it last answered."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from monocoque_media.connectors.breaker import Breaker, BreakerOpen
from monocoque_media.contracts import (
    ConnectorHealth,
    ProviderAnswerInvalid,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
)
from monocoque_media.settings import MediaSettings

_log = logging.getLogger("monocoque.media.connectors")
_LONGEST_REST = 300.0
_FAILURES = (ProviderUnavailable, ProviderTimeout, ProviderAnswerInvalid)
_EXPECTED = frozenset(("ok", "ItemUnknown", "cancelled"))


class Watch:
    """Every call to one source goes through it."""

    def __init__(self, source: str, settings: MediaSettings) -> None:
        self._source = source
        self._breaker = Breaker(settings.provider_breaker_failures, settings.provider_breaker_seconds)
        self._rest_until = 0.0
        self._last_success: datetime | None = None
        self.quota_left: int | None = None

    def health(self, *, configured: bool) -> ConnectorHealth:
        return ConnectorHealth(configured, self._breaker.state, self._last_success, self.quota_left)

    @contextmanager
    def call(self, label: str) -> Iterator[None]:
        """Around one call, which `label` names in the log: never with what a person searched for.

        Raises RateLimited while the source wants to be left alone, ProviderUnavailable while the breaker is open.
        """
        left = self._rest_until - time.monotonic()
        if left > 0:
            raise RateLimited(self._source, "has asked us to wait", left)
        started = time.perf_counter()
        outcome = "ok"
        try:
            with self._breaker.guard(_FAILURES):
                yield
        except BreakerOpen as broken:
            outcome = "left_alone"
            raise ProviderUnavailable(
                self._source, f"failed too often and is left alone for another {broken.seconds:.0f} seconds"
            ) from None
        except ProviderError as error:
            outcome = type(error).__name__
            if isinstance(error, RateLimited):
                self.quota_left = 0
                self._rest_until = time.monotonic() + min(error.retry_after or 0.0, _LONGEST_REST)
            raise
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        finally:
            level = logging.INFO if outcome in _EXPECTED else logging.WARNING
            took = (time.perf_counter() - started) * 1000
            _log.log(level, "source=%s call=%s outcome=%s took_ms=%.0f", self._source, label, outcome, took)
        self._last_success = datetime.now(UTC)
