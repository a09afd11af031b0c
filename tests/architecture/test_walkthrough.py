"""The module of docs/modules.md, built from that page and nothing else, installed beside ours, mounted and called."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.workspace import ROOT

_BLOCK = re.compile(r"^`([\w./]+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CALL = """
import asyncio, json, sys
import httpx
from monocoque import demo
from monocoque.app import create_app
from monocoque.migration import chains
from monocoque.progress import Progress
from monocoque.registry import discover, order
from monocoque_migrations import check, upgrade
from tests import reading
from tests.reading import BROWSER
from tests.support import problem, sign_up

async def main(url):
    inventory = order(discover())
    assert inventory.version("garage") == "0.1.0"
    await upgrade(url, chains(inventory))
    assert await check(url, chains(inventory)) == []
    app = create_app(inventory=inventory, database_url=url, access_log=False)
    transport = httpx.ASGITransport(app=app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(
        transport=transport, base_url="http://garage.test/api/v1"
    ) as client:
        owner, stranger = await sign_up(client), await sign_up(client)
        made = await owner.post("/garage", json={"name": "Under the railway"}, headers={"Idempotency-Key": "once"})
        again = await owner.post("/garage", json={"name": "Under the railway"}, headers={"Idempotency-Key": "once"})
        assert made.status_code == 201, made.text
        assert made.json() == again.json()
        place = made.headers["location"].removeprefix("/api/v1")
        read = await owner.get(place)
        assert read.json() == made.json()
        assert (await owner.get(place, headers={"If-None-Match": read.headers["etag"]})).status_code == 304
        problem(await stranger.get(place), 404, "garage.not_found")
        problem(await client.get(place), 401, "auth.unauthenticated")
        problem(await owner.post("/garage", json={"name": "x", "colour": "red"}), 422, "request.invalid")
        page = await client.get(f"http://garage.test/garages/{made.json()['id']}", headers=BROWSER)
        assert reading.read(page).texts("h1") == ["Under the railway"]
        gone = await client.get(f"http://garage.test/garages/{owner.id}", headers=BROWSER)
        assert reading.read(gone, 404).texts("h1") == ["No such garage"]
        shown = (await demo.load(app.state.runtime, Progress())).shown("http://garage.test")
        shown_again = (await demo.load(app.state.runtime, Progress())).shown("http://garage.test")
        assert shown == shown_again
        page = await client.get(shown["Garage"], headers=BROWSER)
        assert reading.read(page).texts("h1") == ["Under the railway"]
        assert "/api/v1/garage/{garage_id}" in app.openapi()["paths"]

asyncio.run(main(sys.argv[1]))
"""


def build(target: Path) -> list[str]:
    """Write the page's files below `target`, with the metadata that an installer would leave."""
    blocks = _BLOCK.findall((ROOT / "docs/modules.md").read_text(encoding="utf-8"))
    for name, text in blocks:
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for folder in ("acme_garage", "acme_garage/migrations"):
        (target / folder / "__init__.py").touch()
    project = tomllib.loads((target / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    metadata = target / f"acme_garage-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n", encoding="utf-8"
    )
    points = project["entry-points"]["monocoque.modules"]
    lines = [f"{name} = {value}" for name, value in points.items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[monocoque.modules]", *lines, ""]), encoding="utf-8")
    return [name for name, _ in blocks]


@pytest.mark.slow
def test_the_module_of_the_page_works(tmp_path: Path, database_url: str) -> None:
    written = build(tmp_path)
    assert {"acme_garage/module.py", "acme_garage/routes.py", "acme_garage/queries.py"} <= set(written)
    done = subprocess.run(
        [sys.executable, "-c", CALL, database_url],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_command_of_the_page_writes_the_first_revision(tmp_path: Path, database_url: str) -> None:
    build(tmp_path)
    (tmp_path / "acme_garage/migrations/0001_create_garages.py").unlink()
    done = subprocess.run(
        [sys.executable, "-m", "monocoque", "db", "revision", "--module", "garage", "Create the garages"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "MONOCOQUE_DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    written = Path(done.stdout.strip())
    assert written == tmp_path / "acme_garage/migrations/0001_create_the_garages.py"
    assert "op.create_table" in written.read_text(encoding="utf-8")
