"""Logging: one line a record on standard error, as JSON or for people."""

from __future__ import annotations

import asyncio
import logging
import sys

from monocoque import json
from monocoque.settings import Settings

_SILENCE = 60.0


class JsonFormatter(logging.Formatter):
    """A record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        document = {
            "time": record.created,
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        if record.exc_info:
            document["exception"] = self.formatException(record.exc_info)
        return json.dump_text(document)


class Outage(logging.Filter):
    """The pool's complaints while the database is away: a line a minute, with the error's name for its traceback."""

    def __init__(self) -> None:
        super().__init__()
        self._said = -_SILENCE

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is said."""
        if not record.exc_info:
            return True
        if record.created - self._said < _SILENCE:
            return False
        self._said = record.created
        name = type(record.exc_info[1]).__name__
        record.msg, record.args, record.exc_info = "the database is out of reach, tried again (%s)", (name,), None
        return True


# One, however often logging is set up.
_outage = Outage()


def as_json(settings: Settings) -> bool:
    """Whether log lines are JSON: as configured, or where standard error is no terminal in production."""
    if settings.log_format == "auto":
        return settings.production and not sys.stderr.isatty()
    return settings.log_format == "json"


def configure(settings: Settings) -> None:
    """Set up the root logger once, for the whole process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonFormatter() if as_json(settings) else logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")
    )
    level = logging.DEBUG if settings.debug else settings.log_level.upper()
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("asyncio", "httpx", "httpcore", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_is_no_cut)
    logging.getLogger("asyncpg.pool").addFilter(_outage)


def _is_no_cut(record: logging.LogRecord) -> bool:
    """False for a request that the end of the server cut short: the server counts those in a line of its own."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))
