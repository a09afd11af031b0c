"""The module contract: one declarative object through which a domain registers itself with the shell."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from monocoque.failures import StartupError

ENTRY_POINT_GROUP = "monocoque.modules"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
_POINT = re.compile(r"[a-z][a-z0-9_]{0,40}\.[a-z][a-z0-9_]{0,40}")
_PAGES = re.compile(r"/[a-z][a-z0-9-]{0,40}")
_SHELL_PATHS = frozenset({"/api", "/assets", "/docs", "/health"})
_RESERVED = frozenset({"modules", "monocoque", "public", "shell"})


@dataclass(frozen=True, slots=True)
class Module:
    """A domain module as it presents itself; heavy parts are named `package.file:object` and imported when enabled."""

    name: str
    """Python and SQL name, such as `build_lists`; the URL has dashes instead."""
    summary: str
    """One sentence for the API reference."""
    requires: tuple[str, ...] = ()
    """Modules that must be enabled too; they are migrated and started first."""
    after: tuple[str, ...] = ()
    """Modules that come first where they are present."""
    package: str = ""
    """Import package, also the PostgreSQL schema; `monocoque_<name>` unless given."""
    router: str | None = None
    """An APIRouter, mounted at `/api/v1/<name>`."""
    public_router: str | None = None
    """An APIRouter for what anyone may read, mounted at `/api/v1/public/<name>`."""
    pages: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Routers of pages for people, by the path at the root that is theirs: `{"/m": "monocoque_menus.pages:router"}`."""
    extends: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Routers mounted at the paths of modules in `requires`: `{"media": "monocoque_menus.media_routes:router"}`."""
    models: str | None = None
    """The file of the tables; its `metadata` is compared with the migrations."""
    settings: str | None = None
    """A BaseSettings class, read at start."""
    problems: str | None = None
    """The file of the problem codes."""
    commands: str | None = None
    """A Typer application, added to the command line as a group."""
    lifespan: str | None = None
    """`(Runtime) -> async context manager`, entered at start after the database, left at stop."""
    authenticator: str | None = None
    """`(Runtime) -> Authenticator`; at most one enabled module provides it."""
    jobs: str | None = None
    """The file whose `JOBS` run in the background."""
    demo: str | None = None
    """The file of the demo data, see `monocoque.demo`."""
    migrations: str | None = field(default=None)
    """Import package of the revisions; `<package>.migrations` unless given, only where `models` is."""
    provides: Mapping[str, str] = field(default_factory=dict, hash=False)
    """References for extension points that other modules define, such as `media.connectors`: the module that defines
    a point says in its contracts what has to stand there, and collects it with `Runtime.provided`."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"A module's name is lower case, digits and underscores, not {self.name!r}.")
        if self.name in _RESERVED or self.package == "monocoque":
            raise ValueError(f"The name {self.package or self.name!r} belongs to the shell.")
        for point in self.provides:
            if not _POINT.fullmatch(point):
                raise ValueError(f"An extension point is named `module.things`, not {point!r}.")
        self._check_places()
        if not self.package:
            object.__setattr__(self, "package", f"monocoque_{self.name}")
        if self.models and self.migrations is None:
            object.__setattr__(self, "migrations", f"{self.package}.migrations")

    def _check_places(self) -> None:
        for path in self.pages:
            if not _PAGES.fullmatch(path) or path in _SHELL_PATHS:
                raise ValueError(f"Pages have a path at the root that is free, such as /m, not {path!r}.")
        for extended in self.extends:
            if extended not in self.requires:
                raise ValueError(f"A module extends only what it requires, not {extended!r}.")

    @property
    def slug(self) -> str:
        """The name as URLs and distributions spell it."""
        return self.name.replace("_", "-")

    @property
    def schema(self) -> str:
        """The PostgreSQL schema that holds the module's tables."""
        return self.package


def load(reference: str) -> Any:
    """The object that `package.file:object`, or the file that `package.file`, names; raises ImportError."""
    path, _, attribute = reference.partition(":")
    module = import_module(path)
    if not attribute:
        return module
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise ImportError(f"{path} has no {attribute!r}", name=path) from None


def load_part(module: Module, reference: str) -> Any:
    """As `load`, for a part of an enabled module; raises StartupError."""
    try:
        return load(reference)
    except ImportError as error:
        raise StartupError(
            f"The module {module.name!r} cannot be mounted: {error}",
            hint=f"Install its distribution whole, or leave it out with MONOCOQUE_MODULES_DISABLED={module.name}.",
        ) from error


@dataclass(frozen=True, slots=True)
class Job:
    """Work that recurs: `run(runtime)` every `every` seconds, on one process of the cluster at a time."""

    name: str
    every: float
    run: Callable[[Any], Any]
