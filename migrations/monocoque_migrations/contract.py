"""What goes into the engine and what comes out of it: plain data, no library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from sqlalchemy import MetaData

State = Literal["current", "behind", "ahead", "empty", "gone"]

VERSION_TABLE = "alembic_version"


class MigrationError(Exception):
    """Something the operator can act on: `message` says what is wrong, `hint` what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Chain:
    """A module's migrations: `revisions` is the import name of the package that holds the revision files.

    `metadata` may describe other modules' tables too, only those in `schema` count; None means that the models are
    not loaded.
    """

    name: str
    schema: str
    revisions: str
    metadata: MetaData | None = None
    requires: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """One revision that was run, up or down, and committed; `seconds` is wall-clock time."""

    chain: str
    revision: str
    doc: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ChainStatus:
    """Where one chain stands in one database.

    `ahead`: the applied revision is unknown to the code, as after a rollback of the code; acceptable.
    `gone`: the schema was left behind by a module that is no longer there.
    """

    name: str
    schema: str
    applied: str | None
    head: str | None
    pending: tuple[str, ...]
    state: State


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key that reaches into a schema from outside; tables are schema-qualified."""

    name: str
    table: str
    references: str

    def __str__(self) -> str:
        return f"{self.table} ({self.name}) references {self.references}"


@dataclass(frozen=True, slots=True)
class PurgePlan:
    """What purging `schema` would drop: its tables with their row counts, and the foreign keys that forbid it."""

    schema: str
    name: str
    tables: dict[str, int]
    foreign_keys: tuple[ForeignKey, ...]

    def check(self) -> None:
        """Raise MigrationError when tables of another schema refer to those of this one."""
        if self.foreign_keys:
            raise MigrationError(
                f"Schema {self.schema!r} is still needed: {'; '.join(map(str, self.foreign_keys))}.",
                "Purge or downgrade what refers to it first. Nothing was dropped.",
            )


def select(chains: Sequence[Chain], only: str | None) -> list[Chain]:
    """Give the chains to run: all, or `only` and what it requires; in the given order.

    Raises MigrationError for an unknown name, a duplicate, a requirement that is missing or comes later.
    """
    by_name: dict[str, Chain] = {}
    for chain in chains:
        if chain.name in by_name:
            raise MigrationError(f"Two chains are called {chain.name!r}.", "A module's name is its own.")
        if missing := [name for name in chain.requires if name not in by_name]:
            raise MigrationError(
                f"Module {chain.name!r} requires {', '.join(missing)}, which is not migrated before it.",
                "Pass the chains in requires order, with all that they require.",
            )
        by_name[chain.name] = chain
    if only is None:
        return list(chains)
    if only not in by_name:
        known = ", ".join(by_name) or "none"
        raise MigrationError(f"There is no module {only!r}.", f"Known modules: {known}.")
    wanted = {only}
    for chain in reversed(chains):
        if chain.name in wanted:
            wanted.update(chain.requires)
    return [chain for chain in chains if chain.name in wanted]
