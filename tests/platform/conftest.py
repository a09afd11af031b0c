"""The workshop, on this worker's migrated database or on one of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monocoque.modules import Module
from tests.platform.notes import notes_module
from tests.platform.workshop import Workshop


@pytest.fixture
async def workshop(worker_database_url: str) -> AsyncIterator[Workshop]:
    """Makes applications of made-up modules, on the database that this worker's tests share."""
    found = Workshop(worker_database_url)
    yield found
    await found.close()


@pytest.fixture
async def own_workshop(migrated_database_url: str) -> AsyncIterator[Workshop]:
    """The same on a database for this test alone, which it may break."""
    found = Workshop(migrated_database_url)
    yield found
    await found.close()


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Module:
    """A module with pages at /n, which are documents too at its own path."""
    monkeypatch.syspath_prepend(tmp_path)
    return notes_module(tmp_path)
