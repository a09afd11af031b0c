"""Opens connections to PostgreSQL and says in plain words why it could not."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from monocoque_migrations.contract import MigrationError

if TYPE_CHECKING:
    import asyncpg
    from sqlalchemy.ext.asyncio import AsyncConnection

OLDEST_SERVER = 15
CONNECT_SECONDS = 10.0
SESSION = {
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    # A holder of the lock whose machine vanished is noticed within a minute, not after two hours.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}

type PlainConnection = asyncpg.Connection[asyncpg.Record]


async def connect(url: str, application_name: str, *, lock_timeout: float = 0) -> PlainConnection:
    """Open an asyncpg connection, with no time limit but `lock_timeout` (seconds, 0 for none).

    `public` leads its search path, so that a role whose path starts with a module's schema reads the same names as
    any other.
    """
    import asyncpg  # noqa: PLC0415  (the engine stays light until it works)

    settings = {
        **SESSION,
        "application_name": application_name[:63],
        "lock_timeout": f"{round(lock_timeout * 1000)}ms",
    }
    try:
        connection: PlainConnection = await asyncpg.connect(
            re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", url),
            timeout=CONNECT_SECONDS,
            statement_cache_size=0,
            server_settings=settings,
        )
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        # The driver's text may quote the URL, password and all, when it cannot read it: only the server's own words
        # are passed on.
        reason = str(error) if isinstance(error, asyncpg.PostgresError | OSError) else "the URL cannot be read"
        hint = (
            "A pooler stands before it. Use the server's own address, or set ignore_startup_parameters."
            if "startup parameter" in reason
            else "Check the database URL, and that the server is running and lets this user in."
        )
        raise MigrationError(f"The database cannot be reached: {reason or type(error).__name__}.", hint) from None
    if (major := connection.get_server_version().major) < OLDEST_SERVER:
        await connection.close()
        raise MigrationError(f"PostgreSQL {major} is too old.", f"Use PostgreSQL {OLDEST_SERVER} or newer.")
    await connection.execute("SELECT set_config('search_path', 'public, ' || current_setting('search_path'), false)")
    return connection


@asynccontextmanager
async def plain(url: str, application_name: str) -> AsyncIterator[PlainConnection]:
    """Lend an asyncpg connection; what the server refuses on it is a MigrationError."""
    import asyncpg  # noqa: PLC0415  (as above)

    connection = await connect(url, application_name)
    try:
        yield connection
    except asyncpg.PostgresError as error:
        raise _refused(error) from error
    finally:
        await connection.close()


@asynccontextmanager
async def alchemy(url: str, application_name: str, *, lock_timeout: float = 0) -> AsyncIterator[AsyncConnection]:
    """Lend a SQLAlchemy connection, for Alembic; nothing is pooled, and what the server refuses is a MigrationError."""
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415  (as above)
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415  (as above)
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    async def creator() -> PlainConnection:
        return await connect(url, application_name, lock_timeout=lock_timeout)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=creator, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            yield connection
    except DBAPIError as error:
        raise _refused(database_error(error) or error) from error
    finally:
        await engine.dispose()


def database_error(error: BaseException | None) -> asyncpg.PostgresError | None:
    """Find the database's own error beneath SQLAlchemy's."""
    import asyncpg  # noqa: PLC0415  (as above)

    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, asyncpg.PostgresError):
        seen = seen.__cause__ or getattr(seen, "orig", None)
    return seen


def _refused(error: Exception) -> MigrationError:
    return MigrationError(f"The database refused: {error}.", "Check what the user of the database URL may do.")


def quoted(identifier: str) -> str:
    """Quote an SQL identifier."""
    return '"' + identifier.replace('"', '""') + '"'
