"""The HTTP server of one process: not ready from the signal on, and not gone before whom it let in is served."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

from monocoque.protocol import Protocol
from monocoque.runtime import Runtime
from monocoque.settings import Settings

GRACE_SECONDS = 10
LAST_CALL_SECONDS = 1


def server_options(settings: Settings) -> dict[str, Any]:
    """How uvicorn is set up, in each process that serves."""
    return {
        "access_log": False,
        "log_config": None,
        "log_level": "debug" if settings.debug else "warning",
        "server_header": False,
        "timeout_graceful_shutdown": GRACE_SECONDS - LAST_CALL_SECONDS,
        "timeout_keep_alive": 75,
        "proxy_headers": True,
        "forwarded_allow_ips": list(settings.trusted_proxies),
        "http": Protocol,
        "ws": "none",
        "h11_max_incomplete_event_size": 64 * 1024,
    }


class Server(uvicorn.Server):
    """uvicorn's, which drains in order: whoever the system let in is answered, and told to come back elsewhere.

    A client may send its next request on a connection that it kept just as the server ends. It has a second for it,
    and the reply closes the connection.
    """

    def __init__(self, app: FastAPI, settings: Settings, *, last_call: float = LAST_CALL_SECONDS) -> None:
        super().__init__(uvicorn.Config(app, **server_options(settings)))
        self._runtime: Runtime = app.state.runtime
        self._last_call = last_call

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Not ready from now on, in whichever process the signal arrives."""
        self._runtime.draining = True
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let nobody else in, see to those who are, and end."""
        state, loop = self.server_state, asyncio.get_running_loop()
        state.default_headers = [*state.default_headers, (b"connection", b"close")]
        await self._shut_the_door(sockets or [])
        for connection in state.connections:
            # For requests under way; what comes from now on has it from the headers.
            assert isinstance(connection, Protocol)
            connection.close_with_the_reply()
        end = loop.time() + self._last_call
        while state.connections and not self.force_exit and loop.time() < end:  # noqa: ASYNC110  nobody tells
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)

    async def _shut_the_door(self, listeners: list[socket.socket]) -> None:
        """Listen no longer. The system goes on accepting until then: those who wait in its queue are let in."""
        doors: list[socket.socket] = []
        # Where there are too many open files, the queue is lost and the rest is not.
        with suppress(OSError):
            doors += [listener.dup() for listener in listeners]
        for server in self.servers:
            server.close()
        for listener in listeners:
            listener.close()
        # uvloop lets go of a socket in its next round only.
        await asyncio.sleep(0)
        guests: list[socket.socket] = []
        for door in doors:
            with door, suppress(OSError):
                door.settimeout(0)
                while True:
                    guests.append(door.accept()[0])
        for guest in guests:
            guest.settimeout(0)
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, guest)

    def _protocol(self) -> Protocol:
        return Protocol(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)
