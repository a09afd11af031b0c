"""Health, readiness and the API reference."""

from __future__ import annotations

import logging
import re
import time
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI

from monocoque.database import Database
from monocoque.failures import StartupError
from monocoque.logs import JsonFormatter, Outage, as_json, configure
from monocoque.settings import Settings
from tests.platform.workshop import Workshop
from tests.support import problem, until

ELSEWHERE = re.compile(r"https?://")


def lose_database(app: FastAPI) -> None:
    """Put a database that is out of reach in the place of the real one."""
    app.state.runtime.database = Database("postgresql:///gone?host=/no/such/folder", null_pool=True)


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


async def test_alive_touches_nothing(workshop: Workshop) -> None:
    app = await workshop.app()
    lose_database(app)
    reply = await workshop.client(app).get("/health")
    assert (reply.status_code, reply.json()) == (200, {"status": "ok"})


async def test_the_database_is_asked_and_timed(workshop: Workshop) -> None:
    app = await workshop.app()
    client = workshop.client(app)
    began = time.perf_counter()
    reply = await client.get("/health/db")
    assert reply.status_code == 200
    assert reply.json()["status"] == "ok"
    assert 0 < reply.json()["ms"] < (time.perf_counter() - began) * 1000
    lose_database(app)
    reply = await client.get("/health/db")
    document = problem(reply, 503, "server.not_ready")
    assert document["components"]["database"]["status"] == "unavailable"
    assert reply.headers["retry-after"] == "2"
    assert "no/such" not in reply.text


async def test_ready_says_what_each_component_says(workshop: Workshop) -> None:
    reply = await (await workshop.serve()).get("/health/ready")
    assert reply.status_code == 200
    document = reply.json()
    assert document["status"] == "ok"
    assert {name: part["status"] for name, part in document["components"].items()} == {
        "database": "ok",
        "migrations": "ok",
        "revocations": "ok",
        "server": "ok",
    }


async def test_a_schema_older_than_the_code_is_not_ready_and_stops_a_start(own_workshop: Workshop) -> None:
    client = await own_workshop.serve()
    await execute(own_workshop.url, "DELETE FROM monocoque.alembic_version")
    reply = await client.get("/health/ready")
    document = problem(reply, 503, "server.not_ready")
    assert document["components"]["migrations"] == {"status": "behind", "behind": ["monocoque"]}
    with pytest.raises(StartupError, match="not migrated for: monocoque") as caught:
        await own_workshop.app()
    assert "monocoque db upgrade" in str(caught.value)


async def test_a_database_that_was_never_migrated_stops_a_start(workshop: Workshop, database_url: str) -> None:
    app = workshop.build(url=database_url)
    with pytest.raises(StartupError, match="not migrated"):
        await workshop.run(app)
    assert isinstance(app.state.startup_error, StartupError)


async def test_a_schema_newer_than_the_code_is_ready(own_workshop: Workshop) -> None:
    client = await own_workshop.serve()
    await execute(own_workshop.url, "UPDATE monocoque.alembic_version SET version_num = 'monocoque_9999'")
    reply = await client.get("/health/ready")
    assert (reply.status_code, reply.json()["status"]) == (200, "ok")


async def test_a_database_that_is_away_for_a_moment_takes_nobody_out(workshop: Workshop) -> None:
    app = await workshop.app()
    lose_database(app)
    reply = await workshop.client(app).get("/health/ready")
    assert reply.status_code == 200
    assert reply.json()["components"]["database"]["status"] == "unavailable"


async def test_a_process_that_drains_is_not_ready_but_alive(workshop: Workshop) -> None:
    app = await workshop.app()
    client = workshop.client(app)
    app.state.runtime.draining = True
    reply = await client.get("/health/ready")
    assert problem(reply, 503, "server.not_ready")["components"]["server"] == {"status": "draining"}
    assert (await client.get("/health")).status_code == 200
    app.state.runtime.revocations.trusted = False
    assert (await client.get("/health/ready")).json()["components"]["revocations"]["status"] == "degraded"


async def test_a_process_that_has_ended_was_draining(workshop: Workshop) -> None:
    app = workshop.build()
    async with app.router.lifespan_context(app):
        assert not app.state.runtime.draining
    assert app.state.runtime.draining


async def test_the_reference_needs_no_internet(workshop: Workshop) -> None:
    client = await workshop.serve(project_name="<Garage> & co")
    page = await client.get("/docs")
    assert page.status_code == 200
    assert "&lt;Garage&gt; &amp; co" in page.text
    policies = page.headers.get_list("content-security-policy")
    assert len(policies) == 1
    assert "script-src 'self'" in policies[0]
    found = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(found) == 4
    start = (await client.get("/docs/assets/start.js")).text
    assert "validatorUrl: null" in start
    for text in (page.text, policies[0], start):
        assert not ELSEWHERE.search(text)
    for path in found:
        asset = await client.get(f"/{path}")
        assert asset.status_code == 200
        assert len(asset.content) > 100
        assert asset.headers["content-type"].split(";")[0] in {"text/javascript", "text/css", "image/png"}
    assert (await client.get("/openapi.json")).json()["openapi"].startswith("3.1")


@pytest.mark.parametrize("name", ["nothing.js", "..%2f..%2fpyproject.toml", "redoc.standalone.js"])
async def test_other_assets_are_not_served(workshop: Workshop, name: str) -> None:
    problem(await (await workshop.serve()).get(f"/docs/assets/{name}"), 404, "request.not_found")


@pytest.mark.parametrize("docs_enabled", [None, False, True])
async def test_production_serves_the_reference_only_when_told(workshop: Workshop, docs_enabled: bool | None) -> None:
    given: dict[str, Any] = {"database_url": "postgresql://unused/db", "secret_key": "k" * 40}
    client = await workshop.serve(environment="production", docs_enabled=docs_enabled, **given)
    for path in ("/docs", "/docs/assets/start.js", "/openapi.json"):
        assert (await client.get(path)).status_code == (200 if docs_enabled else 404)


def test_logs_are_json_where_they_should_be(capsys: pytest.CaptureFixture[str]) -> None:
    import json

    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        for settings, expected in (
            ({"log_format": "json"}, True),
            ({"log_format": "console"}, False),
            ({}, False),
            ({"environment": "production", "database_url": "postgresql://h/d", "secret_key": "k" * 40}, True),
        ):
            options = Settings(_env_file=None, **settings)  # type: ignore[arg-type]
            assert as_json(options) is expected
            configure(options)
            try:
                int("it\nbroke")
            except ValueError:
                logging.getLogger("monocoque.test").exception("what %s", "happened")
            first = capsys.readouterr().err
            if expected:
                assert len(first.splitlines()) == 1
                document = json.loads(first)
                assert (document["event"], document["level"]) == ("what happened", "error")
                assert "broke" in document["exception"]
            else:
                assert "ERROR what happened" in first
        assert isinstance(root.handlers[0].formatter, JsonFormatter)
    finally:
        root.handlers[:] = before
        root.setLevel(level)


async def test_a_database_that_is_away_is_a_line_a_minute_without_a_traceback(
    own_workshop: Workshop, server_url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = logging.getLogger("asyncpg.pool")
    monkeypatch.setattr(pool, "filters", [Outage()])

    def said() -> list[logging.LogRecord]:
        return [record for record in caplog.records if record.name == pool.name]

    await own_workshop.app()
    name = own_workshop.url.partition("?")[0].rpartition("/")[2]
    await execute(server_url, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    await execute(server_url, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    await until(said)
    pool.warning("retrying", exc_info=OSError("away"))
    assert [record.getMessage().partition("(")[0] for record in said()] == [
        "the database is out of reach, tried again "
    ]
    assert said()[0].exc_info is None
