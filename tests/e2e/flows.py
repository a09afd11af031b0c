"""The shell commands of a document, with what each is said to print."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from tests.e2e.process import environment

_BLOCK = re.compile(r"^```bash\n(.*?)^```\n(?:\n?^```(json|text)\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
FLOW_SECONDS = 600
ANYTHING = "..."


@dataclass(frozen=True, slots=True)
class Flow:
    """A block of commands, and the text that stands below it as their output: `json`, `text` or nothing."""

    commands: str
    form: str
    output: str
    line: int


def flows(text: str) -> list[Flow]:
    """The blocks of a document, in their order."""
    return [
        Flow(found[1], found[2] or "", found[3] or "", text.count("\n", 0, found.start()) + 1)
        for found in _BLOCK.finditer(text)
    ]


def run_all(blocks: list[Flow], folder: Path, **variables: str) -> list[str]:
    """What each block prints, all run by one shell; fails with the block where a command does."""
    lines = ["set -e"]
    for number, block in enumerate(blocks):
        # Braces, not a subshell: what a block sets, the next ones use.
        lines += [f'echo {number} > "{folder}/at"', "{", block.commands.rstrip(), f'}} > "{folder}/{number}.out"']
    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=FLOW_SECONDS,
        check=False,
    )
    at = int((folder / "at").read_text())
    said = (folder / f"{at}.out").read_text() + done.stderr
    assert done.returncode == 0, f"line {blocks[at].line}: {blocks[at].commands}\n{said}"
    return [(folder / f"{number}.out").read_text() for number in range(len(blocks))]


def differences(block: Flow, printed: str) -> list[str]:
    """Where what was printed is not what the document says; `...` stands for anything."""
    if block.form == "json":
        return list(_compared(json.loads(block.output), json.loads(printed), "#"))
    if block.form == "text":
        pairs = zip_longest(block.output.splitlines(), printed.splitlines())
        return [f"{found!r} instead of {wanted!r}" for wanted, found in pairs if not _matches(wanted, found)]
    return []


def _compared(wanted: Any, found: Any, place: str) -> list[str]:
    if isinstance(wanted, dict) and isinstance(found, dict):
        return [
            difference
            for name, value in wanted.items()
            for difference in (
                _compared(value, found[name], f"{place}/{name}") if name in found else [f"{place}/{name} is missing"]
            )
        ]
    if isinstance(wanted, list) and isinstance(found, list):
        if wanted[-1:] == [ANYTHING]:
            wanted, found = wanted[:-1], found[: len(wanted) - 1]
        if len(wanted) != len(found):
            return [f"{place} has {len(found)} items instead of {len(wanted)}"]
        return [
            difference
            for number, (one, other) in enumerate(zip(wanted, found, strict=True))
            for difference in _compared(one, other, f"{place}/{number}")
        ]
    if isinstance(wanted, str) and isinstance(found, str) and _matches(wanted, found):
        return []
    return [] if wanted in (found, ANYTHING) else [f"{place} is {found!r} instead of {wanted!r}"]


def _matches(wanted: str | None, found: str | None) -> bool:
    if wanted is None or found is None:
        return False
    parts = map(re.escape, wanted.split(ANYTHING))
    return re.fullmatch(".*".join(parts), found.rstrip("\r")) is not None
