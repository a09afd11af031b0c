"""The one Alembic environment that every chain runs in: no alembic.ini, no env.py, nothing global but `alembic.op`."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

from monocoque_migrations.connections import database_error
from monocoque_migrations.contract import VERSION_TABLE, Applied, Chain, MigrationError
from monocoque_migrations.history import folder

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext
    from alembic.script import Script, ScriptDirectory
    from sqlalchemy import Connection

type OnStep = Callable[[str, str, str, float], None]

# Alembic keeps check constraints out of its wildcard; this one compares them by name.
PLUGINS = ("alembic.autogenerate.*", "alembic.ext.checkconstraint_byname")

# `alembic.op` speaks to one migration at a time in a process, whatever databases its event loops work on.
_op_in_use = threading.Lock()


@asynccontextmanager
async def exclusive_op() -> AsyncIterator[None]:
    """Keep `alembic.op` to oneself among all tasks and threads of this process."""
    import asyncio  # noqa: PLC0415  (the engine stays light until it works)

    while not _op_in_use.acquire(blocking=False):  # noqa: ASYNC110  (an Event belongs to one loop)
        await asyncio.sleep(0.02)
    try:
        yield
    finally:
        _op_in_use.release()


def scripts(chain: Chain, file_template: str = "%(slug)s") -> ScriptDirectory:
    """Open the chain's revision files; each is loaded from its path, so equal file names in two chains never meet."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415  (the engine stays light until it works)

    return ScriptDirectory(
        str(Path(__file__).parent),
        file_template=file_template,
        version_locations=[str(folder(chain))],
        messaging_opts={"quiet": True},
    )


def configure(connection: Connection, chain: Chain, options: Mapping[str, Any]) -> MigrationContext:
    """Make the Alembic context for one chain on one connection."""
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415  (as above)

    return MigrationContext.configure(
        connection,
        opts={
            "version_table": VERSION_TABLE,
            "version_table_schema": chain.schema,
            "transaction_per_migration": True,
            **options,
        },
    )


def comparing(chain: Chain) -> dict[str, Any]:
    """Give the options that make Alembic compare the chain's own schema and nothing else."""

    def include_name(name: str | None, kind: str, _parents: object) -> bool:
        return name == chain.schema if kind == "schema" else True

    # The names and the order of the parameters are Alembic's.
    def include_object(item: Any, _name: str | None, kind: str, _reflected: object, _other: object) -> bool:
        return item.schema == chain.schema if kind == "table" else True

    return {
        "target_metadata": chain.metadata,
        "include_schemas": True,
        "include_name": include_name,
        "include_object": include_object,
        "compare_type": True,
        "compare_server_default": _default_differs,
        "autogenerate_plugins": list(PLUGINS),
    }


def _default_differs(  # Alembic's signature; None leaves the answer to Alembic
    _context: object,
    _column: object,
    _model_column: object,
    in_database: str | None,
    _default: object,
    in_model: str | None,
) -> Literal[False] | None:
    given = {text for text in (in_database, in_model) if text is not None}
    return False if given == {"uuidv7()"} else None


def run(
    connection: Connection,
    chain: Chain,
    target: str,
    *,
    up: bool,
    before_step: Callable[[], None],
    on_step: OnStep | None,
) -> list[Applied]:
    """Run the chain to `target`: up with a transaction per revision, down with one for all.

    Raises MigrationError naming the revision that failed; what was applied before it stays.
    """
    from alembic.operations import Operations  # noqa: PLC0415  (as above)
    from alembic.runtime.migration import MigrationStep  # noqa: PLC0415
    from alembic.script.revision import RevisionError  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    directory = scripts(chain)
    done: list[Applied] = []
    at: list[str] = []

    def steps(current: tuple[str, ...], _context: object) -> Iterator[object]:
        for script in _path(directory, current, target, up=up):
            before_step()
            at[:] = [script.revision]
            started = perf_counter()
            make = MigrationStep.upgrade_from_script if up else MigrationStep.downgrade_from_script
            yield make(directory.revision_map, script)
            # Upwards, Alembic comes back for the next step only after it has committed this one.
            step = Applied(chain.name, script.revision, script.doc, perf_counter() - started)
            done.append(step)
            if up and on_step:
                on_step(step.chain, step.revision, step.doc, step.seconds)
        at.clear()

    context = configure(connection, chain, {"fn": steps, "script": directory, "transaction_per_migration": up})
    try:
        with Operations.context(context), context.begin_transaction():
            context.run_migrations()
    except MigrationError:
        raise
    except Exception as error:
        if not at and isinstance(error, RevisionError | CommandError):
            raise MigrationError(
                f"Module {chain.name!r} cannot go {'up' if up else 'down'} to {target!r}: {_first_line(error)}.",
                "Name a revision of this chain on that side of the applied one, or see the status.",
            ) from error
        raise failure(chain, at[0] if at else None, error) from error
    return done


def _path(directory: ScriptDirectory, current: tuple[str, ...], target: str, *, up: bool) -> list[Script]:
    if up:
        return list(directory.iterate_revisions(target, current, implicit_base=True))[::-1]
    return list(directory.iterate_revisions(current, target, select_for_downgrade=True))


def failure(chain: Chain, revision: str | None, error: Exception) -> MigrationError:
    """Say in one message which revision failed and what the database (or Python) said; rows' values are left out."""
    where = f"Module {chain.name!r}, revision {revision}" if revision else f"Module {chain.name!r}"
    native = database_error(error)
    if native is None:
        return MigrationError(
            f"{where}, failed: {type(error).__name__}: {_first_line(error)}.",
            "Its transaction was rolled back; the revisions before it stay applied.",
        )
    hints = {
        "55P03": "A running transaction holds a table that it changes. Try again at a quieter time.",
        "42501": "The user of the database URL lacks the right to do this: it must own the schema.",
        "25006": "This server is read-only, such as a replica. Give the URL of the primary.",
    }
    hint = hints.get(native.sqlstate or "", "Its transaction was rolled back; the revisions before it stay applied.")
    return MigrationError(f"{where}, failed: {_first_line(native)} ({native.sqlstate}).", hint)


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0].rstrip(".") if text else type(error).__name__
