"""The page of a menu, by its slug or by its link."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request
from starlette.responses import Response

from monocoque.conditional import IfNoneMatch
from monocoque.pages import Card, PageRouter, Pages, day, moved_page
from monocoque.runtime import Db
from monocoque_menus.public_service import Found, Moved, find_public
from monocoque_menus.schemas import PublicMenu

router = PageRouter()
_pages = Pages("monocoque_menus")
# A menu that is published no longer must not live on in caches, one that is read by its link in shared ones not at all.
_PUBLIC = ((b"cache-control", b"public, no-cache"),)
_BY_LINK = ((b"cache-control", b"private, no-cache"),)
# As at the public address: a menu may take an old slug of its own back.
_MOVED = ((b"cache-control", b"public, max-age=300"),)
_KINDS = {
    "book": ("Book", "amber"),
    "movie": ("Film", "red"),
    "tv": ("Series", "teal"),
    "game": ("Game", "green"),
    "music": ("Music", "violet"),
}
"""What a type is called, and the tone of its badge."""
# With fewer there is nothing to find one's way in.
_COURSES_FOR_CONTENTS = 3


@router.get("/{slug}", summary="Read a menu")
async def get_menu_page(
    slug: Annotated[str, Path()], request: Request, db: Db, if_none_match: IfNoneMatch = None
) -> Response:
    """A menu with its courses and entries in their order."""
    menu = await find_public(db, slug)
    if isinstance(menu, Moved):
        return moved_page(menu.slug, _MOVED)
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
        headers=_BY_LINK if found.by_link else _PUBLIC,
        menu=menu,
        facts=facts,
        kinds=_KINDS,
        contents=len(menu.courses) >= _COURSES_FOR_CONTENTS,
    )


def _counted(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
