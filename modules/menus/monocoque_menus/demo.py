"""The demo data of menus: one that is public, and one for those who have its link."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from monocoque.demo import Demo, demo_id
from monocoque.problems import Problem
from monocoque_auth.contracts import DEMO_PEOPLE
from monocoque_media.contracts import MediaCard
from monocoque_media.facade import find_items
from monocoque_menus.contracts import Visibility
from monocoque_menus.item_service import snapshot
from monocoque_menus.links import links_of
from monocoque_menus.models import Menu
from monocoque_menus.public_service import find_public
from monocoque_menus.queries import courses as course_queries
from monocoque_menus.queries import demo as queries
from monocoque_menus.queries import items as item_queries
from monocoque_menus.queries import menus as menu_queries
from monocoque_menus.slugs import candidates, slug_of

_CURATOR = "auth.curator"
_OWNER = demo_id(_CURATOR)


@dataclass(frozen=True, slots=True)
class DemoCourse:
    """A course, and its notes by the names of the works in the demo data of media, without their `media.`."""

    title: str
    description: str
    notes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DemoMenu:
    """A menu with its courses."""

    title: str
    description: str
    visibility: Visibility
    courses: tuple[DemoCourse, ...]


MENUS = {
    "menus.a-week-of-noir": DemoMenu(
        "A week of noir",
        "Seven evenings in the dark: a film for each, and something to read, to hear or to play with it.\n\n"
        "Begin on a Monday, and draw the curtains.",
        "public",
        (
            DemoCourse(
                "Monday: the black bird",
                "San Francisco, a statuette, and nobody who tells the truth.",
                {
                    "the-maltese-falcon-1941": "John Huston's first film as a director; not a word too many.",
                    "the-maltese-falcon-1930": "Read it afterwards, and hear how much of the talk was there already.",
                },
            ),
            DemoCourse(
                "Tuesday: straight down the line",
                "An insurance man, a widow to be, and a clause.",
                {
                    "double-indemnity-1944": "Who did it is said in the first minutes. It grips all the same.",
                    "double-indemnity-1943": "Short enough for what is left of the evening.",
                },
            ),
            DemoCourse(
                "Wednesday: Vienna in four zones",
                "After the war, below the street.",
                {
                    "the-third-man-1949": "Watch the doorway.",
                    "the-third-man-theme-1949": "A zither is all the music that the film has, and all that it needs.",
                },
            ),
            DemoCourse(
                "Thursday: private eyes",
                "Nobody can follow this one. That is no reason not to.",
                {
                    "the-big-sleep-1946": "Who killed the chauffeur? They say that the author did not know either.",
                    "the-big-sleep-1939": "Marlowe's first case.",
                    "la-noire-2011": "The city in 1947, with a badge this time. Believe no face.",
                },
            ),
            DemoCourse(
                "Friday: Hollywood, after hours",
                "Two screenwriters. One of them is dead from the start.",
                {
                    "sunset-boulevard-1950": "Told by the man in the swimming pool.",
                    "in-a-lonely-place-1950": "Bogart with nothing to smile about.",
                    "in-a-lonely-place-1947": "The film keeps the doubt. The novel is the colder of the two.",
                },
            ),
            DemoCourse(
                "Saturday: noir in full sun",
                "Colour makes it no brighter.",
                {
                    "chinatown-1974": "About water. About everything else, too.",
                    "la-confidential-1997": "Three policemen, three ideas of right.",
                    "taxi-driver-1976": "Bernard Herrmann's last score: brass like a street at night.",
                },
            ),
            DemoCourse(
                "Sunday: tomorrow",
                "Los Angeles in November 2019, as it looked from 1982.",
                {
                    "blade-runner-1982": "Whichever cut is at hand; it rains in all of them.",
                    "do-androids-dream-1968": "Where it came from. There are more animals in it.",
                    "blade-runner-music-1994": "Twelve years went by between the film and this record.",
                    "blade-runner-1997": "Plays beside the film rather than through it.",
                },
            ),
        ),
    ),
    "menus.rain-on-the-window": DemoMenu(
        "Rain on the window",
        "For when it is too late to begin a film.",
        "unlisted",
        (
            DemoCourse(
                "To listen to",
                "Lights off.",
                {
                    "ascenseur-1958": "Improvised in front of the screen, in one night.",
                    "sunset-mission-2000": "As slow as the last tram.",
                    "dummy-1994": "The needle crackles on purpose.",
                    "twin-peaks-music-1990": "Before, during or after the series.",
                },
            ),
            DemoCourse(
                "To get lost in",
                "One more chapter, one more room.",
                {
                    "twin-peaks-1990": "Two episodes at most.",
                    "grim-fandango-1998": "A travel agent in the Land of the Dead smells a rat.",
                    "disco-elysium-2019": "Talk to the necktie.",
                },
            ),
        ),
    ),
}


async def load(demo: Demo) -> None:
    """Add the menus with their courses, and show where they can be read."""
    works = {demo_id(f"media.{work}") for menu in MENUS.values() for course in menu.courses for work in course.notes}
    cards = await find_items(demo.transaction, works)
    missing = await demo.missing(Menu, MENUS, _CURATOR)
    await _free_slugs(demo, missing)
    for name in missing:
        await _add(demo, name, MENUS[name], cards)
    for name, menu in MENUS.items():
        page = await _page(demo, demo_id(name))
        if page is not None:
            demo.link("Menu" if menu.visibility == "public" else "Unlisted", page)


async def reset(demo: Demo) -> None:
    """Delete the people's menus, whose slugs are free then, and hold what other people's menus hold."""
    people = [demo_id(name) for name in DEMO_PEOPLE]
    demo.held.update(row["media_item_id"] for row in await demo.transaction.all(queries.HELD_BY_OTHERS, people=people))
    await demo.transaction.run(queries.DELETE_SLUGS, people=people)
    if not demo.runtime.settings.production:
        # There, one without a menu may have been anybody's, and is nobody's again.
        await _free_slugs(demo, MENUS)
    await demo.transaction.run(queries.DELETE_MENUS, people=people)


async def _free_slugs(demo: Demo, names: Iterable[str]) -> None:
    """Let these menus have their slugs again where those that had them went with their owner's account."""
    slugs = [slug_of(MENUS[name].title) for name in names]
    await demo.transaction.run(queries.DELETE_LEFT_SLUGS, slugs=slugs)


async def _page(demo: Demo, menu_id: UUID) -> str | None:
    """The path of a menu's page, if it opens: its owner may have closed it since."""
    row = await demo.transaction.first(menu_queries.FIND, id=menu_id, owner_id=_OWNER)
    # Without an address before it: where the root is, the shell knows.
    page: str | None = None if row is None else links_of(demo.runtime, "").shown(row)["page_url"]
    if page is None:
        return None
    try:
        await find_public(demo.transaction, page.rpartition("/")[2])
    except Problem:
        return None
    return page


async def _add(demo: Demo, name: str, menu: DemoMenu, cards: Mapping[UUID, MediaCard]) -> None:
    transaction, menu_id = demo.transaction, demo_id(name)
    entries = {
        (place, work): (card, note)
        for place, course in enumerate(menu.courses)
        for work, note in course.notes.items()
        if (card := cards.get(demo_id(f"media.{work}"))) is not None
    }
    for slug in candidates(menu.title):
        made = await transaction.first(
            menu_queries.CREATE,
            id=menu_id,
            slug=slug,
            owner_id=_OWNER,
            title=menu.title,
            description=menu.description,
            visibility=menu.visibility,
            course_count=len(menu.courses),
            item_count=len(entries),
            # The same at each load, so that a link once pasted opens again.
            **links_of(demo.runtime, "").made(menu_id, demo_id(f"{name}/link").bytes),
        )
        if made is not None:
            if slug != (plain := slug_of(menu.title)):
                demo.remark(name, f"at the slug {slug}, because another menu has or had {plain}")
            break
    for place, course in enumerate(menu.courses):
        course_id = demo_id(f"{name}/{place}")
        await transaction.first(
            course_queries.ADD, id=course_id, menu_id=menu_id, title=course.title, description=course.description
        )
    for (place, work), (card, note) in entries.items():
        await transaction.first(
            item_queries.ADD,
            id=demo_id(f"{name}/{place}/{work}"),
            course_id=demo_id(f"{name}/{place}"),
            menu_id=menu_id,
            media_item_id=card.id,
            notes=note,
            **snapshot(card),
        )
