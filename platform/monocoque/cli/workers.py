"""The processes that serve where there are several, and those that start them; none outlives who started it."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from types import FrameType

from uvicorn.config import STARTUP_FAILURE

from monocoque.asgi import create
from monocoque.failures import StartupError
from monocoque.server import GRACE_SECONDS, LAST_CALL_SECONDS, Server

RESTART_SECONDS = 0.5
_ENDING = (signal.SIGINT, signal.SIGTERM)
_spawn = multiprocessing.get_context("spawn")
_log = logging.getLogger(__name__)


def run_workers(listener: socket.socket, count: int) -> None:
    """Serve with so many processes until SIGTERM or Ctrl-C; one that dies is replaced.

    Raises StartupError when one of them cannot start.
    """
    with _signals() as told:
        workers: list[SpawnProcess] = []
        try:
            for _ in range(count):
                workers.append(_start(listener))  # noqa: PERF401  those that started have to end when one does not
            while told not in wait([told, *(worker.sentinel for worker in workers)]):
                for place, worker in enumerate(workers):
                    if worker.exitcode == STARTUP_FAILURE:
                        raise StartupError("A worker could not start.", hint="What stopped it is said above.")
                    if worker.exitcode is not None:
                        _log.warning("worker %s ended by itself (%s); one takes its place", worker.pid, worker.exitcode)
                        # One that dies at once must not keep the machine busy.
                        wait([told], RESTART_SECONDS)
                        try:
                            workers[place] = _start(listener)
                        except OSError as error:
                            _log.error("no worker could be started: %s", error)
        finally:
            # Before they are told: what the system took for this process nobody would answer.
            listener.close()
            for worker in workers:
                worker.terminate()
            _join(workers, told)


def work(sockets: list[socket.socket], *, last_call: float = LAST_CALL_SECONDS) -> None:
    """What such a process does, until it is told to end or who started it is gone."""
    for sign in _ENDING:
        signal.signal(sign, _exit)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    app = create()
    Server(app, app.state.runtime.settings, last_call=last_call).run(sockets=sockets)


def _start(listener: socket.socket) -> SpawnProcess:
    worker = _spawn.Process(target=work, args=([listener],))
    worker.start()
    return worker


def _join(workers: list[SpawnProcess], told: socket.socket) -> None:
    with suppress(BlockingIOError):
        told.recv(64)
    while running := [worker for worker in workers if worker.exitcode is None]:
        if told in wait([told, *(worker.sentinel for worker in running)]) and signal.SIGINT in told.recv(64):
            # Ctrl-C again: each ends what still runs.
            for worker in running:
                assert worker.pid is not None
                os.kill(worker.pid, signal.SIGINT)


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """What can be read as soon as one of the signals that end this has come: its number."""
    told, tell = socket.socketpair()
    told.settimeout(0)
    tell.settimeout(0)
    with told, tell:
        handlers = {sign: signal.signal(sign, _leave_it_to_the_reader) for sign in _ENDING}
        before = signal.set_wakeup_fd(tell.fileno(), warn_on_full_buffer=False)
        try:
            yield told
        finally:
            signal.set_wakeup_fd(before)
            for sign, handler in handlers.items():
                signal.signal(sign, handler)


def _leave_it_to_the_reader(_sign: int, _frame: FrameType | None) -> None:
    pass


def _exit(_sign: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    # A pipe that only the parent holds open: the system closes it, however the parent ended.
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    # Whatever holds this up, nobody is left to end it.
    time.sleep(2 * GRACE_SECONDS)
    os._exit(1)
