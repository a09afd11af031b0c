"""Reads a chain's revision files without running them, so that "nothing to do" costs no import of Alembic."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import invalidate_caches
from importlib.util import find_spec
from pathlib import Path

from monocoque_migrations.contract import Chain, MigrationError

ALLOWED_IMPORTS = frozenset({"__future__", "alembic", "sqlalchemy"})
REQUIRED_NAMES = ("revision", "down_revision")


@dataclass(frozen=True, slots=True)
class RevisionFile:
    """One revision file as it is written; `imports` are the top-level names of all that it imports."""

    path: Path
    revision: str
    down_revision: str | None
    labels: tuple[str, ...]
    imports: frozenset[str]


@dataclass(frozen=True, slots=True)
class History:
    """A chain's revisions from base to head; `problems` says what keeps them from being one line."""

    revisions: tuple[str, ...]
    files: tuple[RevisionFile, ...]
    problems: tuple[str, ...] = field(default=())

    @property
    def head(self) -> str | None:
        return self.revisions[-1] if self.revisions else None


def heads(chains: Iterable[Chain]) -> dict[str, str]:
    """Give each chain's head revision by module name; a chain without revisions is left out.

    Raises MigrationError when a chain is not one line from base to head.
    """
    return {chain.name: head for chain in chains if (head := line(chain).head) is not None}


def line(chain: Chain) -> History:
    """Give the chain's history; raises MigrationError when it is not one line from base to head."""
    history = read(chain)
    if history.problems:
        raise MigrationError(
            f"The revisions of {chain.name!r} are not one chain: {'; '.join(history.problems)}.",
            "Correct `down_revision` so that the files follow one another.",
        )
    return history


def read(chain: Chain) -> History:
    """Give the chain's history, problems included; cached until a revision file changes."""
    return _read(chain.name, _stamps(folder(chain)))


def folder(chain: Chain) -> Path:
    """Find the folder of the chain's revision files; raises MigrationError when the package does not exist."""
    place = _place(chain.revisions)
    if place is None:
        raise MigrationError(
            f"Module {chain.name!r} names {chain.revisions!r} for its migrations, but there is no such package.",
            f"`monocoque db revision --module {chain.name}` makes it with its first revision. Or correct the name.",
        )
    return place


def make_folder(chain: Chain) -> None:
    """Make the package of the chain's revision files where only the package around it exists."""
    around, _, name = chain.revisions.rpartition(".")
    parent = _place(around) if around else None
    if parent is None or _place(chain.revisions) is not None:
        return
    place = parent / name
    place.mkdir(exist_ok=True)
    (place / "__init__.py").write_text(f'"""Revisions of the {chain.name} schema."""\n', encoding="utf-8")
    # What was found missing is remembered for as long as the folder around seems unchanged.
    invalidate_caches()


def _place(package: str) -> Path | None:
    try:
        spec = find_spec(package)
    except ModuleNotFoundError:
        spec = None
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None


def _stamps(place: Path) -> tuple[tuple[str, int, int], ...]:
    with os.scandir(place) as entries:
        found = [
            (entry.path, stat.st_mtime_ns, stat.st_size)
            for entry in entries
            if entry.name.endswith(".py") and not entry.name.startswith((".", "__init__"))
            for stat in (entry.stat(),)
        ]
    return tuple(sorted(found))


@lru_cache(maxsize=256)
def _read(name: str, stamps: tuple[tuple[str, int, int], ...]) -> History:
    files = tuple(_parse(Path(path)) for path, _, _ in stamps)
    problems = list(_problems(name, files))
    if problems:
        return History((), files, tuple(problems))
    following = {file.down_revision: file.revision for file in files}
    revisions: list[str] = []
    while (after := following.get(revisions[-1] if revisions else None)) is not None:
        revisions.append(after)
    if len(revisions) != len(files):
        stray = sorted({file.revision for file in files} - set(revisions))
        problems.append(f"{', '.join(stray)} cannot be reached from the base")
    return History(tuple(revisions), files, tuple(problems))


def _problems(name: str, files: tuple[RevisionFile, ...]) -> Iterator[str]:
    by_id: dict[str, RevisionFile] = {}
    children: dict[str | None, list[str]] = {}
    for file in files:
        if file.revision in by_id:
            yield f"{by_id[file.revision].path.name} and {file.path.name} are both {file.revision}"
        by_id[file.revision] = file
        children.setdefault(file.down_revision, []).append(file.revision)
    for parent, ids in children.items():
        if parent is not None and parent not in by_id:
            yield f"{', '.join(ids)} follows {parent}, which does not exist"
        if len(ids) > 1:
            yield f"{' and '.join(sorted(ids))} both follow {parent or 'the base'}, so there are several heads"
    for file in files:
        expected = (name,) if file.down_revision is None else ()
        if file.labels != expected:
            yield f"{file.path.name} has branch_labels {file.labels!r}, not {expected!r}"


def _parse(path: Path) -> RevisionFile:
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except SyntaxError as error:
        raise MigrationError(f"{path} is not valid Python: {error.msg}, line {error.lineno}.") from error
    values: dict[str, object] = {}
    imports: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name) and isinstance(node.value, ast.Constant | ast.Tuple | ast.List):
                    values[target.id] = ast.literal_eval(node.value)
    for inner in ast.walk(tree):
        if isinstance(inner, ast.Import):
            imports.update(alias.name.partition(".")[0] for alias in inner.names)
        elif isinstance(inner, ast.ImportFrom):
            imports.add("." if inner.level else (inner.module or "").partition(".")[0])
    revision, down_revision = (values.get(name, ...) for name in REQUIRED_NAMES)
    if not isinstance(revision, str) or not (down_revision is None or isinstance(down_revision, str)):
        raise MigrationError(
            f"{path} does not say which revision it is.",
            'It needs `revision = "name_0001"` and `down_revision = None` or one earlier revision, as plain literals.',
        )
    labels = values.get("branch_labels") or ()
    listed = (labels,) if isinstance(labels, str) else tuple(labels) if isinstance(labels, tuple | list) else ()
    return RevisionFile(path, revision, down_revision, listed, frozenset(imports))
