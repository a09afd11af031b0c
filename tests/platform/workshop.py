"""Made-up modules and the applications that they make, so that the shell is tested without any real module."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI

from monocoque.app import create_app
from monocoque.modules import Module
from monocoque.registry import Installed, Inventory, order
from monocoque.security import Principal, TokenRefused, VerifiedToken
from monocoque.settings import Settings
from tests.support import until

FAR = 4_000_000_000.0


class Doorkeeper:
    """Believes what a token says: `<user id>/<session id>/<role>`; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.expires_at = FAR

    def verify(self, token: str) -> VerifiedToken:
        self.asked += 1
        if token == "expired":
            raise TokenRefused(expired=True)
        try:
            user, session, role = token.split("/")
            return VerifiedToken(Principal(UUID(user), UUID(session), role), self.expires_at)
        except ValueError:
            raise TokenRefused from None


def bearer(user: UUID | None = None, session: UUID | None = None, role: str = "user") -> dict[str, str]:
    """The headers of a signed-in person."""
    return {"Authorization": f"Bearer {user or uuid4()}/{session or uuid4()}/{role}"}


class Gate:
    """Holds those who come to it while it is shut."""

    def __init__(self) -> None:
        self.held = 0
        self._opened = asyncio.Event()

    async def passed(self) -> None:
        """Come to the gate, and wait until it is open."""
        self.held += 1
        try:
            await self._opened.wait()
        finally:
            self.held -= 1

    async def reached(self, count: int) -> None:
        """Wait until so many are held, though they take long to get there."""
        await until(lambda: self.held == count)

    def open(self) -> None:
        self._opened.set()

    def shut(self) -> None:
        self._opened.clear()


class Workshop:
    """Makes modules out of objects, and applications out of modules; everything is undone by `close`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.doorkeeper = Doorkeeper()
        self._packages: list[str] = []
        self._running: list[Any] = []
        self._clients: list[httpx.AsyncClient] = []

    def module(self, name: str = "things", *, contract: dict[str, Any] | None = None, **parts: Any) -> Module:
        """A contract whose parts (`router=...`, `settings=...`) are importable objects of a package that is made up."""
        package = f"made_up_{uuid4().hex}"
        source = ModuleType(package)
        vars(source).update(parts)
        sys.modules[package] = source
        self._packages.append(package)
        wholes = {"models", "problems", "jobs", "demo"}
        references = {part: package if part in wholes else f"{package}:{part}" for part in parts}
        options: dict[str, Any] = {"package": package, **references, **(contract or {})}
        for whole in wholes & parts.keys():
            vars(source).update(parts[whole])
        return Module(name=name, summary=f"Made up {name}.", **options)

    def inventory(self, *modules: Module, **choice: Any) -> Inventory:
        return order([Installed(module, "1.2.3") for module in modules], **choice)

    def build(self, *modules: Module, url: str = "", access_log: bool = False, **settings: Any) -> FastAPI:
        """An application that is not running yet; the first module says who may call."""
        options = Settings(_env_file=None, environment=settings.pop("environment", "test"), **settings)
        known = list(modules)
        if known and not any(module.authenticator for module in known):
            known.append(self.module("keeper", authenticator=lambda _runtime: self.doorkeeper))
        return create_app(
            options, inventory=self.inventory(*known), database_url=url or self.url, access_log=access_log
        )

    async def run(self, app: FastAPI) -> FastAPI:
        """Bring the application up until `close`."""
        context = app.router.lifespan_context(app)
        await context.__aenter__()
        self._running.append(context)
        return app

    async def app(self, *modules: Module, url: str = "", **settings: Any) -> FastAPI:
        return await self.run(self.build(*modules, url=url, **settings))

    def client(self, app: FastAPI, **options: Any) -> httpx.AsyncClient:
        """A client that calls the application in process, as nobody."""
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, **options)
        client = httpx.AsyncClient(transport=transport, base_url="http://monocoque.test")
        self._clients.append(client)
        return client

    async def serve(self, *modules: Module, url: str = "", **settings: Any) -> httpx.AsyncClient:
        """A running application, and a client of it."""
        return self.client(await self.app(*modules, url=url, **settings))

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()
        for context in reversed(self._running):
            await context.__aexit__(None, None, None)
        for package in self._packages:
            sys.modules.pop(package, None)
