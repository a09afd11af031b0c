"""What the command line does to accounts; each function says what it did and gives an exit code."""

from __future__ import annotations

import asyncpg
import typer
from pydantic import ValidationError

from monocoque.problems import Problem
from monocoque.runtime import Runtime
from monocoque_auth import queries, service
from monocoque_auth.schemas import Registration


async def create_admin(runtime: Runtime, email: str, password: str | None) -> int:
    """Create an admin with a password, or make the existing account an admin where there is none."""
    if password is None:
        return await set_role(runtime, email, "admin")
    try:
        row = await service.prepare_account(runtime, Registration(email=email, password=password), role="admin")
        await service.create_account(runtime.database, row)
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            typer.echo(f"{problem['loc'][0]}: {problem['msg'].rstrip('.')}.", err=True)
        return 1
    except Problem as problem:
        typer.echo(str(problem), err=True)
        return 1
    except asyncpg.UniqueViolationError:
        typer.echo(f"There is an account for {email}. Add --promote to make it an admin.", err=True)
        return 1
    typer.echo(f"{row['email']} is an admin.")
    return 0


async def list_users(runtime: Runtime) -> int:
    """Print the accounts, one a line."""
    for row in await runtime.database.all(queries.LIST_USERS):
        state = "disabled" if row["disabled_at"] is not None else "enabled"
        typer.echo("\t".join((row["email"], row["role"], state, row["display_name"] or "")))
    return 0


async def set_disabled(runtime: Runtime, email: str, *, disabled: bool) -> int:
    """Disable or enable an account."""
    if not await service.set_disabled(runtime, email, disabled=disabled):
        return _unknown(email)
    typer.echo(f"{email} is {'disabled' if disabled else 'enabled'}.")
    return 0


async def set_role(runtime: Runtime, email: str, role: str) -> int:
    """Give an account a role."""
    if not await service.set_role(runtime, email, role):
        return _unknown(email)
    typer.echo(f"{email} has the role {role}.")
    return 0


def _unknown(email: str) -> int:
    typer.echo(f"There is no account for {email}. `monocoque users list` shows them all.", err=True)
    return 1
