"""Programs of npm, each in a folder of its own that outlives the run."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".node"
SEARCH_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), str(ROOT / "clients/.venv/bin")))
"""Where node and npm are looked for: on the machine, or where `make clients` has put them."""
INSTALL_SECONDS = 280


def with_node() -> dict[str, str]:
    """The environment in which the programs find node."""
    return {**os.environ, "PATH": SEARCH_PATH}


def program(package: str, name: str) -> Path:
    """A program of a package, such as `newman@6.2.2`; installs it where it is missing, skips where that cannot be."""
    home = CACHE / package.replace("/", "-")
    if not home.is_dir():
        npm = shutil.which("npm", path=SEARCH_PATH)
        if npm is None:
            pytest.skip(f"there is no npm to install {package} with; `make clients` brings one")
        CACHE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix=".installing-") as folder:
            place = Path(folder) / "whole"
            place.mkdir()
            options = ("--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", place)
            done = subprocess.run(
                [npm, "install", *options, package],
                env=with_node(),
                capture_output=True,
                text=True,
                timeout=INSTALL_SECONDS,
                check=False,
            )
            if done.returncode:
                pytest.skip(f"npm cannot install {package}: {done.stderr[-300:]}")
            # Only what is whole gets its name.
            place.rename(home)
    return home / "node_modules" / ".bin" / name
