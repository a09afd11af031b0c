"""`monocoque serve --demo`: what the panel shows is true, at the first start and at the next."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.e2e.process import PATIENCE, Served

pytestmark = pytest.mark.slow
LINKS = ("List 1", "List 2", "Menu", "Unlisted")
PEOPLE = ("Curator", "Mechanic")


def panel(served: Served) -> dict[str, str]:
    """What is shown once it serves, by its name."""
    served.wait_until_said("Ctrl-C stops everything.")
    lines = (line.partition(": ") for line in served.output().splitlines())
    return {name: value for name, _, value in lines if name in {*LINKS, *PEOPLE}}


def check(shown: dict[str, str], served: Served) -> None:
    """Each link opens a page, and each of the people is let in."""
    assert shown.keys() == {*LINKS, *PEOPLE}
    for name in LINKS:
        assert shown[name].startswith(f"{served.base}/")
        page = served.get(shown[name].removeprefix(served.base), Accept="text/html")
        assert page.status_code == 200, shown[name]
        assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "A week of noir" in served.get(shown["Menu"].removeprefix(served.base)).text
    for name in PEOPLE:
        email, _, password = shown[name].partition(", password: ")
        login = {"email": email, "password": password}
        reply = httpx.post(f"{served.base}/api/v1/auth/login", json=login, timeout=PATIENCE)
        assert reply.status_code == 200, reply.text


def test_the_first_start_loads_it_and_the_next_shows_the_same(tmp_path: Path, migrated_database_url: str) -> None:
    variables = {"DATABASE_URL": migrated_database_url}
    with Served(tmp_path, "--demo", variables=variables) as served:
        first = panel(served)
        check(first, served)
        assert " added) " in served.output()
        old = served.base
    with Served(tmp_path, "--demo", "--workers", "2", variables=variables) as served:
        again = panel(served)
        check(again, served)
        assert "demo data (there already)" in served.output()
        assert {name: value.replace(served.base, old) for name, value in again.items()} == first
