"""The page of a menu, by its slug or by its link."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request
from starlette.responses import Response

from monocoque.conditional import IfNoneMatch
from monocoque.pages import Card, PageRouter, Pages, day, moved_page
from monocoque.runtime import Db
from monocoque_menus.export import TYPES
from monocoque_menus.public_service import Found, Moved, find_public
from monocoque_menus.schemas import PublicMenu

router = PageRouter()
_pages = Pages("monocoque_menus")
# A menu that is published no longer must not live on in caches, one that is read by its link in shared ones not at all.
FOR_ALL = (b"cache-control", b"public, no-cache")
FOR_ONE = (b"cache-control", b"private, no-cache")
# For ever, but a menu may take a slug of its own back, and then caches must not send its readers in a circle for long.
FOR_A_WHILE = (b"cache-control", b"public, max-age=300")
_TONES = {"book": "amber", "movie": "red", "tv": "teal", "game": "green", "music": "violet"}
"""Those of the badges."""
# With fewer there is nothing to find one's way in.
_COURSES_FOR_CONTENTS = 3


@router.get("/{slug}", summary="Read a menu")
async def get_menu_page(
    slug: Annotated[str, Path()], request: Request, db: Db, if_none_match: IfNoneMatch = None
) -> Response:
    """A menu with its courses and entries in their order."""
    menu = await find_public(db, slug)
    if isinstance(menu, Moved):
        return moved_page(menu.slug, (FOR_A_WHILE,))
    return await menu_page(request, slug, menu, if_none_match)


async def menu_page(request: Request, slug: str, found: Found, if_none_match: str | None) -> Response:
    """The page of what a slug or a link opens."""
    menu = PublicMenu.model_validate_json(found.document)
    entries = [entry for course in menu.courses for entry in course.items]
    facts = [_counted(len(menu.courses), "course", "courses"), _counted(len(entries), "entry", "entries")]
    described = f"{', '.join(facts)}: {', '.join(entry.title for entry in entries)}" if entries else facts[0]
    card = Card(
        title=menu.title,
        description=menu.description or described,
        path=f"m/{slug}",
        kind="article",
        images=tuple(entry.cover_image_url for entry in entries),
        indexed=not found.by_link,
    )
    if menu.published_at is not None:
        facts.append(f"Published {day(menu.published_at)}")
    return await _pages.reply(
        request,
        "menu.html",
        card,
        if_none_match=if_none_match,
        headers=(FOR_ONE if found.by_link else FOR_ALL,),
        menu=menu,
        facts=facts,
        types=TYPES,
        tones=_TONES,
        contents=len(menu.courses) >= _COURSES_FOR_CONTENTS,
    )


def _counted(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
