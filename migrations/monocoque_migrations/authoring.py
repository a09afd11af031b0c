"""Writes the next revision file of a chain."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from monocoque_migrations.connections import alchemy
from monocoque_migrations.contract import Chain, MigrationError
from monocoque_migrations.environment import comparing, configure, scripts
from monocoque_migrations.history import folder, line, make_folder
from monocoque_migrations.locking import APPLICATION_NAME
from monocoque_migrations.state import applied

if TYPE_CHECKING:
    from sqlalchemy import Connection

UUIDV7 = "uuidv7_default()"


async def revision(chain: Chain, message: str, *, url: str, autogenerate: bool = True) -> Path:
    """Write `NNNN_message.py` into the chain's folder and return its path.

    With `autogenerate`, its body is the difference between the models and the database, which must be at the chain's
    head; a draft to be read before it is run. The folder is made for the first. Raises MigrationError when there is no
    difference to write.
    """
    import asyncio  # noqa: PLC0415  (the engine stays light until it works)

    try:
        make_folder(chain)
    except OSError as error:
        raise MigrationError(f"The folder cannot be made: {error}.", "Run this from a source checkout.") from error
    history = line(chain)
    number = 1 + max(
        (int(found[0]) for file in history.files if (found := re.match(r"\d+", file.path.name))), default=0
    )
    slug = "_".join(re.findall(r"\w+", message)).lower()
    if not slug:
        raise MigrationError("A revision needs a message.", "Say what it does, such as 'add colour to cars'.")
    upgrades, downgrades = await _draft(url, chain, history.head) if autogenerate else ("pass", "pass")
    directory = scripts(chain, file_template=f"{number:04d}_%(slug)s")
    body = upgrades + downgrades
    try:
        script = directory.generate_revision(
            f"{chain.name}_{number:04d}",
            message.strip().rstrip("."),
            head=history.head or "base",
            branch_labels=None if history.head else [chain.name],
            version_path=folder(chain),
            upgrades=upgrades,
            downgrades=downgrades,
            uses_op="op." in body or UUIDV7 in body,
            uses_sqlalchemy="sa." in body,
            uses_postgresql="postgresql." in body,
            uses_uuidv7=UUIDV7 in body,
        )
    except OSError as error:
        raise MigrationError(f"The revision cannot be written: {error}.", "Run this from a source checkout.") from error
    assert script is not None
    path = Path(script.path)
    await asyncio.to_thread(_format, path)
    return path


async def _draft(url: str, chain: Chain, head: str | None) -> tuple[str, str]:
    if chain.metadata is None:
        raise MigrationError(f"The models of {chain.name!r} are not loaded.", "Give the chain its metadata.")
    if (current := (await applied(url, [chain]))[chain.name]) != head:
        raise MigrationError(
            f"The database has {chain.name!r} at {current or 'nothing'}, the newest revision is {head or 'none'}.",
            "Upgrade the database first, so that the difference is this revision's own.",
        )
    async with alchemy(url, f"{APPLICATION_NAME}: revision {chain.name}") as connection:
        return await connection.run_sync(_render, chain)


def _render(connection: Connection, chain: Chain) -> tuple[str, str]:
    from alembic.autogenerate import produce_migrations, render_python_code  # noqa: PLC0415  (light until it works)

    assert chain.metadata is not None
    context = configure(connection, chain, comparing(chain))
    script = produce_migrations(context, chain.metadata)
    assert script.upgrade_ops is not None
    assert script.downgrade_ops is not None
    if script.upgrade_ops.is_empty():
        raise MigrationError(
            f"The models of {chain.name!r} and the database are in step; there is nothing to write.",
            "For a change of data, make an empty one and write it by hand: `--no-autogenerate`.",
        )
    codes = (
        render_python_code(ops, migration_context=context, render_item=_render_item)
        for ops in (script.upgrade_ops, script.downgrade_ops)
    )
    # Alembic frames what it wrote with remarks for the reader of a draft.
    up, down = (re.sub(r"^ *# ###.*\n?", "", code, flags=re.MULTILINE).strip() for code in codes)
    return up or "pass", down or "pass"


def _render_item(kind: str, item: Any, context: Any) -> str | Literal[False]:
    """Keep revisions to alembic and sqlalchemy, and able to run where there is no uuidv7()."""
    from sqlalchemy.types import TypeDecorator  # noqa: PLC0415  (light until it works)

    if kind == "server_default" and str(getattr(item, "arg", "")) == "uuidv7()":
        return UUIDV7
    if kind == "type" and isinstance(item, TypeDecorator) and not type(item).__module__.startswith("sqlalchemy."):
        plain = item.load_dialect_impl(context.dialect)
        prefix = "postgresql" if type(plain).__module__.startswith("sqlalchemy.dialects.") else "sa"
        return f"{prefix}.{plain!r}"
    return False


def _format(path: Path) -> None:
    """Format the file with Ruff where it is installed, as it is wherever revisions are written."""
    import subprocess  # noqa: PLC0415  (the engine stays light until it works)

    for arguments in (["check", "--select", "I", "--fix"], ["format"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--quiet", str(path)]
        subprocess.run(command, check=False, capture_output=True, timeout=30)  # noqa: S603  (fixed words, our own path)
