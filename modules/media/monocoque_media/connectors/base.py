"""What every source has in common: bounded calls, repeats, a breaker, single flight, health."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import stamina
from stamina.instrumentation import RetryDetails, RetryHook, get_on_retry_hooks, set_on_retry_hooks

from monocoque_media.connectors.breaker import Pace
from monocoque_media.connectors.http import Answer, Call, Fault, Http, quota_left, retry_after
from monocoque_media.connectors.watch import Watch
from monocoque_media.contracts import (
    ConnectorHealth,
    ItemUnknown,
    MediaType,
    NormalisedItem,
    NotConfigured,
    ProviderAnswerInvalid,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
)
from monocoque_media.settings import MediaSettings

_log = logging.getLogger("monocoque.media.connectors")
_REPEATED = "monocoque.media.connectors"


def _tell_of_repeat(details: RetryDetails) -> None:
    if details.name == _REPEATED and isinstance(details.caused_by, Fault):
        source, label = details.args
        cause, wait = type(details.caused_by.error).__name__, details.wait_for * 1000
        _log.warning(
            "source=%s call=%s attempt=%d cause=%s again_in_ms=%.0f", source, label, details.retry_num, cause, wait
        )


def _for_others(hook: RetryHook) -> RetryHook:
    """The hook, which hears nothing of our repeats: it would write a second line, without what matters."""
    return lambda details: None if details.name == _REPEATED else hook(details)


# The hooks are those of the whole process, and whatever else repeats in it keeps them.
set_on_retry_hooks([_tell_of_repeat, *map(_for_others, get_on_retry_hooks())])


class Source:
    """One vendor; a subclass says what to ask, how its answers map and what its errors mean."""

    name: str
    media_types: frozenset[MediaType]
    page_size: int
    per_second: float | None = None

    def __init__(self, settings: MediaSettings, http: Http, *, configured: bool) -> None:
        self.configured = configured
        self.settings = settings
        self._http = http
        self._slots = asyncio.Semaphore(settings.provider_concurrency)
        self._pace = Pace(self.per_second)
        self._watch = Watch(self.name, settings)
        self._flights: dict[Call, tuple[asyncio.Task[Any], list[None]]] = {}

    def health(self) -> ConnectorHealth:
        return self._watch.health(configured=self.configured)

    async def close(self) -> None:
        """Break calls off and let go of connections."""
        tasks = [task for task, _ in self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._http.close()

    async def call(self, call: Call) -> Any:
        """The document that answers; equal calls that are under way share one exchange. Raises ProviderError."""
        if not self.configured:
            raise NotConfigured(self.name, "has no key: see MONOCOQUE_MEDIA_* in the settings")
        flight = self._flights.get(call)
        if flight is None:
            flight = self._flights[call] = (asyncio.create_task(self._guarded(call)), [])
        task, passengers = flight
        passengers.append(None)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if task.cancelled() and not (caller and caller.cancelling()):
                raise ProviderUnavailable(self.name, "is being shut down") from None
            raise
        finally:
            passengers.pop()
            # Done, or nobody waits any more: whoever comes next asks anew.
            if (task.done() or not passengers) and self._flights.get(call) is flight:
                del self._flights[call]
            if not passengers:
                task.cancel()

    async def _guarded(self, call: Call) -> Any:
        with self._watch.call(call.label):
            return await self._in_time(call)

    async def _in_time(self, call: Call) -> Any:
        limit = self.settings.provider_timeout_seconds
        deadline = time.monotonic() + limit
        try:
            async with asyncio.timeout(limit):
                return await self._with_repeats(call, deadline)
        except TimeoutError:
            raise ProviderTimeout(self.name, f"did not answer within {limit:g} seconds") from None
        except Fault as fault:
            raise fault.error from None

    async def _with_repeats(self, call: Call, deadline: float) -> Any:
        backoff = self.settings.provider_backoff_seconds

        def worth_another(error: Exception) -> bool | float:
            if not isinstance(error, Fault) or not error.again:
                return False
            if error.wait is None:
                return True
            # A pause that outlasts the call is for whoever called.
            return error.wait if time.monotonic() + error.wait < deadline else False

        attempts = stamina.retry_context(
            on=worth_another,
            attempts=self.settings.provider_attempts,
            timeout=None,
            wait_initial=backoff,
            wait_max=backoff * 8,
            wait_jitter=backoff,
        ).with_name(_REPEATED, (self.name, call.label), {})
        async for attempt in attempts:
            with attempt:
                async with self._slots:
                    await self._pace.wait()
                    answer = await self.exchange(call)
                self._watch.quota_left = quota_left(answer.headers)
                error = self.fault_of(answer)
                if error is not None:
                    raise error
                return answer.document
        raise AssertionError("the last attempt returns or raises")

    async def exchange(self, call: Call) -> Answer:
        """One attempt; a source with a token of its own overrides it."""
        return await self._http.exchange(call)

    def fault_of(self, answer: Answer) -> Fault | None:
        """What an answer says is wrong, by its status; sources with errors of their own ask here last."""
        status = answer.status
        if status < 400:
            return None
        if status in {401, 403}:
            return self.refused_key()
        if status == 404:
            return Fault(ItemUnknown(self.name, "knows nothing by this id"))
        if status == 429:
            return self.limited(answer)
        if status >= 500 or status == 408:
            error = ProviderUnavailable(self.name, f"failed with status {status}")
            return Fault(error, again=True, wait=retry_after(answer.headers))
        return Fault(ProviderAnswerInvalid(self.name, f"refused what we asked with status {status}"))

    def refused_key(self) -> Fault:
        """Our key is wrong: never the fault of who called us."""
        return Fault(ProviderUnavailable(self.name, "refused our key"))

    def limited(self, answer: Answer, *, again: bool = True) -> Fault:
        """Too many requests."""
        wait = retry_after(answer.headers)
        return Fault(RateLimited(self.name, "limits how often it may be asked", wait), again=again, wait=wait)

    def expected(self, document: Any) -> Mapping[str, Any]:
        """The object that an answer has to be; raises ProviderAnswerInvalid."""
        if not isinstance(document, Mapping):
            raise ProviderAnswerInvalid(self.name, "gave something that is no object")
        return document

    def unknown(self, external_id: str) -> ItemUnknown:
        """For an id that cannot be one of the source's; nothing was asked."""
        return ItemUnknown(self.name, f"has no ids like {external_id[:60]!r}")

    def mapped(self, mapping: Callable[..., NormalisedItem], payloads: list[Any], *more: Any) -> list[NormalisedItem]:
        """The payloads that map; one that does not never loses the others."""
        found: list[NormalisedItem] = []
        for payload in payloads:
            try:
                found.append(mapping(payload, *more))
            except ProviderAnswerInvalid as error:
                _log.info("source=%s left_out=%s", self.name, error.detail)
        return found

    async def pages(
        self, wanted: int, page: Callable[[int], Awaitable[tuple[list[NormalisedItem], bool]]]
    ) -> list[NormalisedItem]:
        """Items of page 0, 1, ... until there are enough or a page says it is the last.

        All pages together have the time of one call. A later page that fails or comes too late ends it with what there
        is.
        """
        found: dict[tuple[str, str], NormalisedItem] = {}
        deadline = asyncio.get_running_loop().time() + self.settings.provider_timeout_seconds
        for number in range(-(-wanted // self.page_size)):
            try:
                async with asyncio.timeout_at(deadline if number else None):
                    items, last = await page(number)
            except (ProviderError, TimeoutError):
                if number == 0:
                    raise
                break
            for item in items:
                found.setdefault((item.kind, item.external_id), item)
            if last:
                break
        return list(found.values())[:wanted]


def of_year(items: list[NormalisedItem], year: int | None) -> list[NormalisedItem]:
    """Without those known to be of another year."""
    if year is None:
        return items
    return [item for item in items if item.release is None or item.release.value.year == year]


def member(document: Any, *path: str) -> Any:
    """What stands at a path of nested objects, None where there is nothing."""
    for name in path:
        if not isinstance(document, Mapping):
            return None
        document = document.get(name)
    return document


def interleaved(*lists: list[NormalisedItem]) -> list[NormalisedItem]:
    """One of each in turn: what several searches found first comes first."""
    longest = max(map(len, lists), default=0)
    return [items[index] for index in range(longest) for items in lists if index < len(items)]
