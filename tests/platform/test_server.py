"""How a server ends: nobody else is let in, and whoever was is answered."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any

import pytest
import uvloop
from fastapi import FastAPI, Request

from monocoque.server import Server
from monocoque.settings import Settings
from tests.platform.workshop import Gate
from tests.support import until

Loop = Callable[[], asyncio.AbstractEventLoop]
loops = pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])


def run(scene: Coroutine[Any, Any, None], loop: Loop) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(scene)


class Stage:
    """A server of two paths, in process: whether it drains, and a request that takes as long as the gate is shut."""

    def __init__(self, *, last_call: float) -> None:
        self.gate, self.listener = Gate(), socket.create_server(("127.0.0.1", 0))
        app = FastAPI()
        app.state.runtime = SimpleNamespace(draining=False)
        app.add_api_route("/ready", self._ready)
        app.add_api_route("/slow", self._slow)
        self.server = Server(app, Settings(_env_file=None), last_call=last_call)
        self.address = self.listener.getsockname()

    async def _ready(self, request: Request) -> dict[str, bool]:
        return {"draining": request.app.state.runtime.draining}

    async def _slow(self) -> dict[str, str]:
        await self.gate.passed()
        return {"slow": "done"}

    async def open(self) -> None:
        """As uvicorn does, without its signal handlers."""
        self.server.config.load()
        self.server.lifespan = self.server.config.lifespan_class(self.server.config)
        await self.server.startup([self.listener])

    def told_to_end(self) -> asyncio.Task[None]:
        self.server.handle_exit(signal.SIGTERM, None)
        return asyncio.create_task(self.server.shutdown([self.listener]))

    async def is_closed(self) -> None:
        """Wait until nobody can connect any more."""
        while True:
            try:
                _, writer = await asyncio.open_connection(*self.address)
            except ConnectionRefusedError:
                return
            writer.close()
            await writer.wait_closed()


class Guest:
    """Somebody connected."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def asks(self, path: str) -> None:
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode())

    async def hears(self) -> tuple[str, str]:
        """Head and body of a reply."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        return head, (await self._reader.readexactly(length)).decode()

    async def is_left(self) -> bool:
        """Whether the server ends the connection, in order."""
        ended = await self._reader.read() == b""
        self._writer.close()
        await self._writer.wait_closed()
        return ended


@loops
def test_who_is_connected_has_a_last_word_and_is_told_that_it_was_the_last(loop: Loop) -> None:
    async def scene() -> None:
        # Nobody is silent for so long, and the end comes all the same as soon as all have left.
        stage = Stage(last_call=3600)
        await stage.open()
        kept, silent, slow = [Guest(*await asyncio.open_connection(*stage.address)) for _ in range(3)]
        kept.asks("/ready")
        head, body = await kept.hears()
        assert body == '{"draining":false}'
        assert "connection: close" not in head
        slow.asks("/slow")
        await stage.gate.reached(1)
        ending = stage.told_to_end()
        await stage.is_closed()
        for guest in (kept, silent):
            guest.asks("/ready")
            head, body = await guest.hears()
            assert body == '{"draining":true}'
            assert "connection: close" in head
            assert await guest.is_left()
        assert not ending.done()
        stage.gate.open()
        head, body = await slow.hears()
        assert body == '{"slow":"done"}'
        assert "connection: close" in head
        assert await slow.is_left()
        await ending

    run(scene(), loop)


@loops
def test_who_waits_in_the_queue_of_the_system_is_let_in(loop: Loop) -> None:
    async def scene() -> None:
        stage = Stage(last_call=3600)
        await stage.open()
        # Connected without the server having had a chance to notice.
        waiting = [socket.create_connection(stage.address) for _ in range(5)]
        ending = stage.told_to_end()
        for connected in waiting:
            guest = Guest(*await asyncio.open_connection(sock=connected))
            guest.asks("/ready")
            assert (await guest.hears())[1] == '{"draining":true}'
            assert await guest.is_left()
        await ending

    run(scene(), loop)


@loops
def test_who_says_nothing_is_left_in_the_end(loop: Loop) -> None:
    async def scene() -> None:
        stage = Stage(last_call=0.01)
        await stage.open()
        silent = Guest(*await asyncio.open_connection(*stage.address))
        await until(lambda: stage.server.server_state.connections)
        ending = stage.told_to_end()
        assert await silent.is_left()
        await ending

    run(scene(), loop)
