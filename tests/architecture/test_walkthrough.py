"""The module of docs/modules.md, made as that page says and no other way, installed beside ours, mounted and called."""

import os
import re
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.architecture.test_solo import find_uv
from tests.architecture.workspace import ROOT

_BLOCK = re.compile(r"^```console\n(.*?)^```$|^`([\w./]+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
REVISION = "acme_garage/migrations/0001_create_the_garages.py"
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


def followed() -> str:
    """The page as a shell script: its commands, and its files as they are written on it."""
    lines = ["set -e"]
    for command, name, text in _BLOCK.findall((ROOT / "docs/modules.md").read_text(encoding="utf-8")):
        if command:
            lines += [line.removeprefix("$ ") for line in command.splitlines()]
        elif name == REVISION:
            lines += [f"diff -u {name} - <<'END'", f"{text}END"]
        else:
            lines += [f"mkdir -p $(dirname {name})", f"cat > {name} <<'END'", f"{text}END"]
    return "\n".join([*lines, "uv build --offline --quiet --wheel --out-dir .."])


@pytest.mark.slow
def test_the_page_can_be_followed_from_an_empty_folder(tmp_path: Path, database_url: str) -> None:
    environment = tmp_path / "monocoque" / ".venv"
    inherited = {
        key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV", "UV_PYTHON"}
    }
    uv = Path(find_uv())
    inherited |= {
        "MONOCOQUE_DATABASE_URL": database_url,
        "PATH": os.pathsep.join([str(uv.parent), os.environ["PATH"]]),
        # Everything is in uv's cache since the project's own environment was made from the same lock.
        "UV_OFFLINE": "1",
    }

    def run(*command: str | Path, folder: Path = tmp_path, **variables: str) -> None:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**inherited, **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    sync: list[str | Path] = [uv, "sync", "--frozen", "--quiet", "--python", sys.executable]
    run(*sync, folder=ROOT, UV_PROJECT_ENVIRONMENT=str(environment))
    run("sh", "-c", followed())
    run(environment / "bin" / "python", "-c", CALL, database_url, PYTHONPATH=str(ROOT))

    written = {path.relative_to(tmp_path / "garage") for path in (tmp_path / "garage/acme_garage").rglob("*.*")}
    with ZipFile(tmp_path / "acme_garage-0.1.0-py3-none-any.whl") as wheel:
        packed = {Path(name) for name in wheel.namelist()}
    assert {path for path in written if path.suffix != ".pyc"} <= packed
    assert {Path("acme_garage/templates/garage.html"), Path(REVISION)} <= packed
