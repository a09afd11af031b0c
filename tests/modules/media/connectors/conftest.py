"""The vendors, played; and sources that ask them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from monocoque_media.connectors.registry import build_connectors, close_connectors
from monocoque_media.contracts import Connector
from tests.modules.media.vendors import Vendors, vendors

Connect = Callable[..., dict[str, Connector]]


@pytest.fixture
async def played(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Vendors]:
    # A proxy of the machine has no way to here.
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with vendors() as found:
        yield found


@pytest.fixture
async def connect(played: Vendors) -> AsyncIterator[Connect]:
    made: list[dict[str, Connector]] = []

    def connect(**changes: Any) -> dict[str, Connector]:
        made.append(build_connectors(played.settings(**changes)))
        return made[-1]

    yield connect
    for connectors in made:
        await close_connectors(connectors)
