"""A made-up module with pages, which are documents too at its own path, for the tests of pages."""

from __future__ import annotations

import importlib
import threading
from pathlib import Path
from uuid import uuid4

from fastapi import Request
from starlette.responses import Response

from monocoque.conditional import IfNoneMatch
from monocoque.modules import Module
from monocoque.negotiation import VARY, WantsPage
from monocoque.pages import Card, PageRouter, Pages, moved_page
from monocoque.problems import UNAVAILABLE, Problem, ProblemCode, invalid, responses
from monocoque.replies import document
from monocoque.routing import Router

NOTHING_HERE = ProblemCode("notes.nothing_here", 404, "Nothing <b>here</b>", "Ask 'whoever' gave you \"this\" & go.")
TEMPLATE = """{% extends "monocoque/base.html" %}
{% block content %}
<h1>{{ text }}</h1>
<p title="{{ text }}">{% if text | web_address %}<a href="{{ text }}">{{ text | host }}</a>{% endif %}</p>
{% if text == "undefined" %}{{ nobody_knows }}{% endif %}
{% if text == "thread" %}<p class="thread">{{ thread() }}</p>{% endif %}
{% endblock %}
"""
HOSTILE = "<script>alert(1)</script>\"' onload=x &amp; </title><img src=x>"


def page_routes(package: str) -> PageRouter:
    router, notes = PageRouter(), Pages(package)

    @router.get("/{text}")
    async def get_note(text: str, request: Request, if_none_match: IfNoneMatch = None) -> Response:
        if text == "moved":
            return moved_page("here")
        return await note_page(notes, text, request, if_none_match)

    return router


async def note_page(notes: Pages, text: str, request: Request, if_none_match: str | None) -> Response:
    if text == "gone":
        raise Problem(NOTHING_HERE, headers={"Retry-After": "7"})
    if text == "away":
        raise Problem(UNAVAILABLE)
    if text == "wrong":
        raise invalid("#/text", "notes.wrong", "This is <wrong>.")
    if text == "boom":
        raise RuntimeError("the password is hunter2")
    text = HOSTILE if text == "hostile" else text
    pictures = (None, "http://a.example/1.jpg", "javascript:alert(1)", "https://a.example/2.jpg", "https://a.example/3")
    card = Card(text, f"About\n{text}  and more.", f"n/{text}", images=pictures, indexed=text != "hidden")
    return await notes.reply(
        request, "note.html", card, if_none_match=if_none_match, text=text, thread=threading.get_ident
    )


def document_routes(package: str) -> Router:
    router, notes = Router(), Pages(package)

    @router.get("/{text}", summary="Get a note", responses=responses(NOTHING_HERE))
    async def get_note(text: str, request: Request, as_page: WantsPage, if_none_match: IfNoneMatch = None) -> Response:
        """A note, in the form that is asked for."""
        if as_page or text == "gone":
            return await note_page(notes, text, request, if_none_match)
        return document(b'{"text": "note"}', if_none_match, (VARY,))

    @router.get("/plain/{text}", summary="Get a plain note", responses=responses(NOTHING_HERE))
    async def get_plain_note(text: str) -> Response:
        """A note that is no page."""
        raise Problem(NOTHING_HERE)

    return router


def notes_module(folder: Path) -> Module:
    """The module, its package made in a folder that Python looks into: pages at /n, documents at /api/v1/notes."""
    name = f"made_up_{uuid4().hex}"
    (folder / name / "templates").mkdir(parents=True)
    (folder / name / "__init__.py").touch()
    (folder / name / "templates" / "note.html").write_text(TEMPLATE)
    package = importlib.import_module(name)
    vars(package).update(pages=page_routes(name), router=document_routes(name))
    return Module(name="notes", summary="Notes.", package=name, router=f"{name}:router", pages={"/n": f"{name}:pages"})
