"""`monocoque users`: accounts from the command line."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from monocoque.console import run_with_runtime

if TYPE_CHECKING:
    from monocoque.runtime import Runtime

PASSWORD_VARIABLE = "MONOCOQUE_AUTH_ADMIN_PASSWORD"  # noqa: S105  a variable's name
ROLES = ("user", "admin")

app = typer.Typer(name="users", help="The accounts of people.", no_args_is_help=True, rich_markup_mode=None)
Email = Annotated[str, typer.Argument(help="The account's e-mail.", show_default=False)]


@app.command("create-admin")
def create_admin(
    email: Email,
    promote: Annotated[
        bool, typer.Option("--promote", help="Make an existing account an admin; its password stays.")
    ] = False,
) -> None:
    """Create an admin. The password is asked for, or read from standard input or MONOCOQUE_AUTH_ADMIN_PASSWORD."""
    password = None if promote else _password()

    async def create(runtime: Runtime) -> int:
        from monocoque_auth import administration  # noqa: PLC0415  other commands start faster without

        return await administration.create_admin(runtime, email, password)

    run_with_runtime(create)


@app.command("list")
def list_users() -> None:
    """List the accounts, one a line: e-mail, role, state, name."""

    async def show(runtime: Runtime) -> int:
        from monocoque_auth import administration  # noqa: PLC0415  other commands start faster without

        return await administration.list_users(runtime)

    run_with_runtime(show)


@app.command()
def disable(email: Email) -> None:
    """Disable an account; its sessions end at once."""
    _set_disabled(email, disabled=True)


@app.command()
def enable(email: Email) -> None:
    """Enable a disabled account; its owner signs in again."""
    _set_disabled(email, disabled=False)


@app.command("set-role")
def set_role(email: Email, role: Annotated[str, typer.Argument(help="user or admin.", show_default=False)]) -> None:
    """Give an account a role; its sessions end, because their tokens carry the old one."""
    if role not in ROLES:
        raise typer.BadParameter("Give user or admin.", param_hint="ROLE")

    async def change(runtime: Runtime) -> int:
        from monocoque_auth import administration  # noqa: PLC0415  other commands start faster without

        return await administration.set_role(runtime, email, role)

    run_with_runtime(change)


def _set_disabled(email: str, *, disabled: bool) -> None:
    async def change(runtime: Runtime) -> int:
        from monocoque_auth import administration  # noqa: PLC0415  other commands start faster without

        return await administration.set_disabled(runtime, email, disabled=disabled)

    run_with_runtime(change)


def _password() -> str:
    given = os.environ.get(PASSWORD_VARIABLE)
    if given:
        return given
    if sys.stdin.isatty():
        asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return asked
    return sys.stdin.readline().rstrip("\r\n")
