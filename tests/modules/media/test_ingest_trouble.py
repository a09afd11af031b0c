"""Whatever a source tells, nobody gets a 500 for it: it is the source's trouble, by its name, and nothing is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from monocoque_media import keeping_service
from monocoque_media.connectors.guarded import Guarded
from monocoque_media.contracts import CONNECTORS, BookDetails, ConnectorHealth, MediaType, NormalisedItem, RateLimited
from monocoque_media.schemas.items import ItemRead
from monocoque_media.schemas.searching import IngestReport
from monocoque_media.settings import MediaSettings
from tests.modules.media.conftest import Outside, checked
from tests.modules.media.vendors import Reply, film, volume
from tests.support import problem

ITEM = NormalisedItem(
    media_type="book",
    title="Little Nemo in Slumberland",
    details=BookDetails(authors=("Winsor McCay",)),
    source="acme_comics",
    kind="strip",
    external_id="nemo",
    raw_payload={"id": "nemo"},
)
# What the database says of each, or Python before it.
UNFIT: dict[str, Any] = {
    "23514": replace(ITEM, details=BookDetails(page_count=-5)),
    "22001": replace(ITEM, details=BookDetails(language="x" * 36)),
    "22P02": replace(ITEM, details=BookDetails(page_count="many")),  # type: ignore[arg-type]
    "22P05": replace(ITEM, raw_payload={"a": "NUL \0"}),
    "54000": replace(ITEM, details=BookDetails(authors=tuple(f"{number:050}" for number in range(25_000)))),
    "TypeError": replace(ITEM, metadata={"what": object()}),
    "AttributeError": replace(ITEM, details=BookDetails(isbn_13=9780141439471)),  # type: ignore[arg-type]
    "RecursionError": RecursionError("maximum recursion depth exceeded"),
}

AMPLE = MediaSettings(_env_file=None, provider_timeout_seconds=20)


class Comics:
    """A source of another module that gives, or raises, `answer`."""

    name = "acme_comics"
    media_types: frozenset[MediaType] = frozenset({"book"})
    configured = True

    def __init__(self) -> None:
        self.answer: Any = ITEM

    async def search(
        self, query: str, *, media_type: MediaType | None = None, year: int | None = None, max_results: int = 20
    ) -> list[NormalisedItem]:
        return [await self.fetch(query)]

    async def fetch(self, external_id: str) -> NormalisedItem:
        if isinstance(self.answer, Exception):
            raise self.answer
        found: NormalisedItem = self.answer
        return found

    def health(self) -> ConnectorHealth:
        return ConnectorHealth(configured=True, breaker="closed")

    async def close(self) -> None:
        """Nothing to let go of."""


def provide(outside: Outside, *, guarded: bool) -> Comics:
    """A source: guarded as foreign ones are; bare it may raise anything, as ours do where they have a bug."""
    inner = Comics()
    connectors: dict[str, Any] = outside.runtime.resources[CONNECTORS]
    connectors["acme_comics"] = Guarded(inner, AMPLE) if guarded else inner
    return inner


@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "bare"])
async def test_what_cannot_be_kept_is_the_sources_trouble(outside: Outside, guarded: bool) -> None:
    comics = provide(outside, guarded=guarded)
    for name, answer in UNFIT.items():
        comics.answer = answer
        for body in ({"external_id": "nemo"}, {"query": "nemo"}):
            reply = await outside.person.post("/media/ingest/acme_comics", json=body)
            assert problem(reply, 502, "media.source_unavailable")["detail"].startswith("acme_comics: "), name
        found = await outside.search("frankenstein", type="book", include_external=True)
        report = found["sources"]["acme_comics"]
        assert (report["status"], report["found"]) == ("unavailable", 0), name
        assert found["sources"]["google_books"]["status"] == "ok"
        assert "Frankenstein" in [item["title"] for item in found["items"]]
    async with outside.runtime.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM monocoque_media.sources WHERE source ~ 'acme'") == 0


async def test_a_refresh_that_cannot_be_kept_leaves_the_item_as_it_was(outside: Outside) -> None:
    comics = provide(outside, guarded=True)
    item = checked(await outside.person.post("/media/ingest/acme_comics", json={"external_id": "nemo"}), 201, ItemRead)
    for name in ("23514", "TypeError", "RecursionError"):
        comics.answer = UNFIT[name]
        reply = await outside.person.post(f"/media/items/{item['id']}/refresh?mode=all")
        assert problem(reply, 502, "media.source_unavailable")["detail"].startswith("acme_comics: "), name
    assert checked(await outside.person.get(f"/media/items/{item['id']}?include=details"), 200, ItemRead) == item


async def test_one_source_that_cannot_be_kept_takes_no_other_along(outside: Outside) -> None:
    provide(outside, guarded=True).answer = UNFIT["23514"]
    item = checked(await outside.person.post("/media/ingest/tmdb", json={"external_id": "movie/1"}), 201, ItemRead)
    async with outside.runtime.database.connection() as connection:
        await connection.execute(
            "INSERT INTO monocoque_media.sources (id, item_id, source, kind, external_id, raw_payload) "
            "VALUES (gen_random_uuid(), $1, 'acme_comics', 'strip', 'nemo', '{}')",
            item["id"],
        )
    outside.vendors.always("tmdb", Reply(film(1, overview="A city of two levels.")))
    for mode in ("missing", "all"):
        reply = await outside.person.post(f"/media/items/{item['id']}/refresh?mode={mode}")
        assert checked(reply, 200, ItemRead)["description"] == "A city of two levels."


async def test_a_time_to_wait_without_sense_is_made_one(outside: Outside) -> None:
    comics = provide(outside, guarded=False)
    for seconds in (float("nan"), float("inf"), -5, 1e12, None):
        comics.answer = RateLimited("acme_comics", "wants to be left alone", seconds)
        reply = await outside.person.post("/media/ingest/acme_comics", json={"external_id": "nemo"})
        problem(reply, 429, "media.source_rate_limited")
        assert 1 <= int(reply.headers["retry-after"]) <= 86_400, seconds


async def test_a_title_of_endless_marks_is_cut_to_what_text_may_have(outside: Outside) -> None:
    marks = "\u0301\u0323" * 40_000
    items = [volume(1, title=f"Q{marks}", description=f"a{marks}"), volume(2)]
    outside.vendors.always("google_books", Reply({"totalItems": 2, "items": items}))
    reply = await outside.person.post("/media/ingest/google_books", json={"query": "zalgo"})
    titles = [item["title"] for item in checked(reply, 200, IngestReport)["items"]]
    assert titles[1] == "Frankenstein 2"
    assert titles[0].startswith("Q")
    assert len(titles[0]) < 40


async def test_what_is_not_the_sources_fault_is_not_said_to_be(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any, **__: Any) -> Any:
        raise asyncpg.TooManyConnectionsError("sorry, too many clients already")

    monkeypatch.setattr(keeping_service, "upsert", away)
    reply = await outside.person.post("/media/ingest/tmdb", json={"external_id": "movie/1"})
    problem(reply, 503, "server.unavailable")
    found = await outside.search("metropolis", include_external=True)
    assert {report["status"] for report in found["sources"].values()} == {"unavailable"}
