"""`python -m clients`: generate a TypeScript and a Python client, compile both, and send each on its journey."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from monocoque.progress import Progress
from tests.e2e.process import Served

HERE = Path(__file__).resolve().parent
CONTRACTS = HERE.parent / "contracts"
TOOLS = HERE / ".venv" / "bin"
PYTHON = HERE / "python"
TYPESCRIPT = HERE / "typescript"


class StepError(Exception):
    """A tool failed; its message is what the tool said."""


def run(folder: Path, *command: str, **variables: str) -> None:
    """Run a tool of `clients/.venv`; raises StepError."""
    path = os.pathsep.join((str(TOOLS), os.environ.get("PATH", os.defpath)))
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": path, **variables}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise StepError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def make_typescript(contracts: Path, progress: Progress) -> None:
    with progress.step("TypeScript: packages"):
        # No package's own scripts: none of them is needed.
        run(TYPESCRIPT, "npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund")
    with progress.step("TypeScript: client generated"):
        run(TYPESCRIPT, "npm", "run", "generate", CONTRACTS=str(contracts))
    with progress.step("TypeScript: compiled"):
        run(TYPESCRIPT, "npm", "run", "compile")


def make_python(contracts: Path, progress: Progress) -> None:
    document = str(contracts / "openapi.json")
    options = ("--config", "generator.yaml", "--meta", "uv", "--overwrite", "--fail-on-warning")
    with progress.step("Python: client generated"):
        run(PYTHON, "openapi-python-client", "generate", "--path", document, "--output-path", "generated", *options)
    with progress.step("Python: compiled and its types checked"):
        run(PYTHON, "python", "-m", "compileall", "-q", "generated")
        run(PYTHON, "mypy", "--config-file", "../pyproject.toml", "journey.py", "generated/monocoque_client")


def travel(progress: Progress) -> None:
    with tempfile.TemporaryDirectory() as folder:
        served = Served(Path(folder))
        with progress.step("server with a PostgreSQL of its own"):
            served.wait_until_answered()
        with served:
            with progress.step("TypeScript: from sign-in to what is shared"):
                run(TYPESCRIPT, "npm", "run", "journey", "--", served.base)
            with progress.step("Python: from sign-in to what is shared"):
                run(PYTHON, "python", "-W", "error", "journey.py", served.base, PYTHONPATH="generated")


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m clients", description=__doc__)
    parser.add_argument(
        "--contracts", type=Path, default=CONTRACTS, help="a folder with another openapi.json and problem-codes.json"
    )
    contracts = parser.parse_args().contracts.resolve()
    if not TOOLS.is_dir():
        parser.exit(1, "The tools are missing: `make clients` installs them into clients/.venv.\n")
    progress = Progress()
    try:
        make_typescript(contracts, progress)
        make_python(contracts, progress)
        travel(progress)
    except StepError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
