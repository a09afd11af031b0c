"""The sources of a process: ours, and those that other modules bring."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from monocoque.failures import StartupError
from monocoque.runtime import Runtime
from monocoque_media.connectors.google_books import GoogleBooks
from monocoque_media.connectors.guarded import Guarded
from monocoque_media.connectors.igdb import Igdb
from monocoque_media.connectors.lastfm import Lastfm
from monocoque_media.connectors.tmdb import Tmdb
from monocoque_media.contracts import CONNECTORS, Connector
from monocoque_media.settings import MediaSettings

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def build_connectors(settings: MediaSettings, extra: Iterable[object] = ()) -> dict[str, Connector]:
    """Every source by its name, ours first; raises StartupError for an extra one that is none, or whose name is taken.

    A source whose key is not set is there too, with `configured` False.
    """
    found: dict[str, Connector] = {}
    for source in (GoogleBooks(settings), Tmdb(settings), Igdb(settings), Lastfm(settings)):
        found[source.name] = source
    for given in extra:
        if not isinstance(given, Connector) or not isinstance(given.name, str) or not _NAME.fullmatch(given.name):
            raise StartupError(
                f"What a module provides as {CONNECTORS} is no connector: {type(given).__name__}.",
                hint="Give objects with the members of monocoque_media.contracts.Connector; a name is lower case.",
            )
        if given.name in found:
            raise StartupError(
                f"Two media sources are named {given.name!r}.", hint="Give the one that a module brings another name."
            )
        found[given.name] = Guarded(given, settings)
    return found


async def close_connectors(connectors: Mapping[str, Connector]) -> None:
    """Let go of all of them."""
    for connector in connectors.values():
        await connector.close()


def provided_connectors(runtime: Runtime) -> list[object]:
    """What the enabled modules bring for CONNECTORS; raises StartupError where making one fails."""
    found: list[object] = []
    for module, make in runtime.provided(CONNECTORS):
        try:
            found.append(make(runtime))
        except Exception as error:
            raise StartupError(
                f"The module {module.name!r} cannot make its media source: {type(error).__name__}: {error}",
                hint=f"`{module.provides[CONNECTORS]}` has to be a function of the runtime that gives a connector.",
            ) from error
    return found
