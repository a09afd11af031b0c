"""Every operation of the catalogue, of tags, states and the library is served by the compiled lane."""

from __future__ import annotations

from uuid import UUID

from fastapi import FastAPI

from monocoque.middleware import Edge
from monocoque.routing import Dispatcher

PREFIXES = ("/api/v1/media/items", "/api/v1/media/tags", "/api/v1/media/library")


def test_every_operation_is_compiled(app: FastAPI) -> None:
    edge = app.build_middleware_stack()
    assert isinstance(edge, Edge)
    dispatcher = edge._app
    assert isinstance(dispatcher, Dispatcher)
    found = [
        (method.upper(), path)
        for path, methods in app.openapi()["paths"].items()
        for method in methods
        if path.startswith(PREFIXES)
    ]
    assert len(found) >= 22
    for method, path in found:
        match = dispatcher.find(method, path.format(item_id=UUID(int=1), tag_id=UUID(int=2), field="title"))
        assert match is not None, f"{method} {path}"
        assert match[0].serve is not None, f"{method} {path}"
