"""Demo data: every module brings its own, under ids that are the same wherever it is loaded.

The file that a module names in `demo` has `async def load(demo: Demo) -> None`, and `async def reset(demo: Demo) ->
None` where something of its data does not go with the accounts of the demo people. Loading runs in start order,
resetting in reverse, each module in one transaction.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
from sqlalchemy import ARRAY, String, Uuid, bindparam, func, inspect, select

from monocoque.database import Transaction
from monocoque.failures import StartupError
from monocoque.modules import Module, load_part
from monocoque.progress import Progress
from monocoque.queries import Query
from monocoque.runtime import Runtime
from monocoque.settings import Settings
from monocoque.tables import Table

_MADE_AT = 1_767_258_000_000
"""2026-01-01T09:00:00Z in milliseconds: what the ids say of the time at which the things were made."""
# One at a time: what is missing must still be missing when it is added.
_LOCK = Query(select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("lock", type_=String), 0))))

type Step = Callable[[Demo], Awaitable[None]]


def demo_id(name: str) -> UUID:
    """The id of the demo thing of this name, such as `cars.roadster`: a UUIDv7, always the same.

    The name begins with the module's, so modules refer to each other's things by name.
    """
    digest = int.from_bytes(hashlib.sha256(name.encode()).digest())
    most, least = digest >> 244, digest & (1 << 62) - 1
    return UUID(int=_MADE_AT << 80 | 7 << 76 | most << 64 | 2 << 62 | least)


@dataclass(slots=True)
class Demo:
    """One round through the modules, as their files see it."""

    runtime: Runtime
    transaction: Transaction = field(init=False)
    """The module's own, committed when its part is done."""
    added: set[UUID] = field(default_factory=set)
    """What this load adds, in all modules so far: with it comes what hangs on it, and only with it."""
    held: set[UUID] = field(default_factory=set)
    """What other people's things point at, told by modules that come later in start order: a reset leaves it."""
    links: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)
    """What became otherwise, by the name of the thing."""

    async def missing(self, table: type[Table], names: Iterable[str], owner: str | None = None) -> list[str]:
        """Those of the names that are to be added, and count as added from here on: all that one person has of a kind.

        As long as the table has one of them, be it deleted or not, they were loaded before: then none is missing, and
        what somebody took away for good stays away. When nothing at all is left of them, nobody can tell that from a
        first load, so they come back; and they come back with their `owner`, a name, whose account this load adds.
        """
        ids = {demo_id(name): name for name in names}
        (key,) = inspect(table).primary_key
        query = Query(select(key).where(key == func.any(bindparam("ids", type_=ARRAY(Uuid)))))
        present = {row[0] for row in await self.transaction.all(query, ids=list(ids))}
        if present and (owner is None or demo_id(owner) not in self.added):
            return []
        absent = {each: name for each, name in ids.items() if each not in present}
        self.added.update(absent)
        return list(absent.values())

    def leave_out(self, name: str, why: str) -> None:
        """Go without a thing that was to be added, since it does not go with what people have entered, and say so."""
        self.added.discard(demo_id(name))
        self.remark(name, f"left out, because {why}")

    def token(self, name: str) -> str:
        """43 characters for a link, the same at each load, that nobody can guess who has not the secret key."""
        return self.tokens(name)[0]

    def tokens(self, name: str) -> list[str]:
        """The token, and what it was when the secret key before was the one that signs."""
        made = [
            hmac.digest(secret.encode(), f"demo token {name}".encode(), hashlib.sha256)
            for secret in self.runtime.settings.secrets
        ]
        return [base64.urlsafe_b64encode(each).rstrip(b"=").decode() for each in made]

    def link(self, name: str, path: str) -> None:
        """Show a page, at `path` below the root; the name has eight letters at most."""
        self.links[name] = path

    def note(self, name: str, text: str) -> None:
        """Show something else, such as how to sign in."""
        self.notes[name] = text

    def remark(self, name: str, text: str) -> None:
        """Say of a thing how this load has made it otherwise than it should be."""
        self.remarks[name] = text

    def shown(self, base: str) -> dict[str, str]:
        """What the modules want to be shown, links first, where the root is at `base`."""
        return {**{name: base + path for name, path in self.links.items()}, **self.notes}


def refuse_in_production(settings: Settings) -> None:
    """Raise StartupError in production."""
    if settings.production:
        raise StartupError(
            "There is no demo data in production: everyone knows its passwords.",
            hint="Leave it out. Where this is no production, set MONOCOQUE_ENVIRONMENT=development.",
        )


async def load(runtime: Runtime, progress: Progress) -> Demo:
    """Add what is missing and leave what was changed or taken away; raises StartupError in production."""
    refuse_in_production(runtime.settings)
    demo = Demo(runtime)
    with progress.step("demo data") as remarks:
        for module in runtime.inventory.enabled:
            if module.demo is not None:
                await _run(demo, module, load_part(module, f"{module.demo}:load"))
        remarks.append(f"{len(demo.added)} added" if demo.added else "there already")
    for name, text in demo.remarks.items():
        progress.note(f"{name}: {text}.")
    return demo


async def reset(runtime: Runtime, progress: Progress) -> None:
    """Take away the demo data and all that the demo people made; what is other people's stays."""
    demo = Demo(runtime)
    with progress.step("demo data taken away"):
        for module in reversed(runtime.inventory.enabled):
            step = None if module.demo is None else getattr(load_part(module, module.demo), "reset", None)
            if step is not None:
                await _run(demo, module, step)


async def _run(demo: Demo, module: Module, step: Step) -> None:
    async def run(transaction: Transaction) -> None:
        await transaction.first(_LOCK, lock="demo")
        demo.transaction = transaction
        await step(demo)

    try:
        await demo.runtime.database.transact(run)
    except asyncpg.LockNotAvailableError:
        raise StartupError("Another process is at the demo data just now.", hint="Try again in a moment.") from None
    except asyncpg.IntegrityConstraintViolationError as error:
        raise StartupError(
            f"The demo data of {module.name!r} does not go with what is there ({error.constraint_name}).",
            hint="`monocoque demo reset` takes away all that the demo people made; then load it again.",
        ) from error
