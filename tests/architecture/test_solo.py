"""A module alone: an environment with one module and what it requires boots, and holds nothing else."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.workspace import ROOT, feature_modules

MODULES = {module.name: module for module in feature_modules(ROOT)}
BOOT = """
import asyncio, importlib, json, sys
from monocoque.app import create_app
from monocoque.migration import chains
from monocoque.registry import discover, order
from monocoque_migrations import upgrade

def importable(name):
    try:
        importlib.import_module(f"monocoque_{name}")
    except ModuleNotFoundError:
        return False
    return True

async def main(url, others):
    found = [name for name in others if importable(name)]
    await upgrade(url, chains(order(discover())))
    app = create_app(database_url=url, access_log=False)
    sent = []
    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}
    async def send(message):
        sent.append(message)
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
             "path": "/api/v1/modules", "raw_path": b"/api/v1/modules", "query_string": b"", "root_path": "",
             "headers": [(b"host", b"solo.test")], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}
    async with app.router.lifespan_context(app):
        await app(scope, receive, send)
    body = json.loads(b"".join(message.get("body", b"") for message in sent))
    print(json.dumps({"found": found, "status": sent[0]["status"], "modules": [m["name"] for m in body["items"]]}))

asyncio.run(main(sys.argv[1], sys.argv[2:]))
"""


def closure(name: str) -> set[str]:
    """The module and everything that it requires, directly or not."""
    return {name}.union(*(closure(required) for required in MODULES[name].requires))


def find_uv() -> str:
    """The uv that runs us, the one on the PATH, or the one that `make` keeps in the project."""
    local = ROOT / ".uv" / "bin" / "uv"
    found = os.environ.get("UV") or shutil.which("uv") or (str(local) if local.exists() else None)
    if found is None:
        pytest.skip("there is no uv on the PATH or in .uv/, so no environment can be made: run `make setup`")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", MODULES)
def test_a_module_boots_with_its_requirements_alone(name: str, tmp_path: Path, database_url: str) -> None:
    environment = tmp_path / "venv"
    inherited = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    synced = subprocess.run(
        # Offline: everything is in uv's cache since the project's own environment was made from the same lock.
        [find_uv(), "sync", "--package", MODULES[name].distribution, "--frozen", "--no-dev", "--offline", "--quiet",
         "--python", sys.executable],
        cwd=ROOT,
        env={**inherited, "UV_PROJECT_ENVIRONMENT": str(environment)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )  # fmt: skip
    assert synced.returncode == 0, synced.stderr
    needed = closure(name)
    others = sorted(MODULES.keys() - needed)
    booted = subprocess.run(
        [environment / "bin" / "python", "-c", BOOT, database_url, *others],
        cwd=tmp_path,
        env=inherited,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert booted.returncode == 0, booted.stderr
    seen = json.loads(booted.stdout)
    assert seen == {"found": [], "status": 200, "modules": seen["modules"]}
    assert set(seen["modules"]) == needed
