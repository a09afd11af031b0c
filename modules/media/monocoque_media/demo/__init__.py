"""The demo data of media: true works of every type in the catalogue, on the shelves of two people."""

from __future__ import annotations

from uuid import UUID

from monocoque.demo import Demo, demo_id
from monocoque_auth.contracts import DEMO_PEOPLE
from monocoque_media.demo.catalogue import ITEMS
from monocoque_media.demo.shelves import CURATOR, STATES, TAGGED, TAGS
from monocoque_media.fields import creators_of, left_alone
from monocoque_media.models import MediaItem, Tag
from monocoque_media.queries import demo as queries
from monocoque_media.queries import items as item_queries
from monocoque_media.queries import states as state_queries
from monocoque_media.schemas.items import ItemWrite
from monocoque_media.schemas.tags import name_key
from monocoque_media.schemas.values import parse_release


async def load(demo: Demo) -> None:
    """Add the works, the tags and the states."""
    for name in await demo.missing(MediaItem, ITEMS, CURATOR):
        await _enter(demo, name, ITEMS[name])
    cards = await demo.transaction.all(item_queries.CARDS, ids=[demo_id(name) for name in ITEMS])
    living = {card["id"] for card in cards}
    await _tag(demo, living)
    pairs = [(owner, f"media.{work}") for owner, states in STATES.items() for work in states]
    rows = [
        {
            "log_id": demo_id(f"media.log/{owner}/{name}"),
            "owner_id": demo_id(owner),
            "item_id": demo_id(name),
            **STATES[owner][name.removeprefix("media.")].model_dump(),
        }
        for owner, name in pairs
        if demo_id(name) in living and _is_new(demo, owner, name)
    ]
    await demo.transaction.many(state_queries.PUT, rows)


async def reset(demo: Demo) -> None:
    """Delete what the people have entered and nobody else makes anything of; the rest stays in the catalogue."""
    await demo.transaction.run(
        queries.DELETE_ITEMS,
        ids=[demo_id(name) for name in ITEMS],
        people=[demo_id(name) for name in DEMO_PEOPLE],
        held=list(demo.held),
    )


async def _enter(demo: Demo, name: str, item: ItemWrite) -> None:
    details = item.details.model_dump()
    if item.media_type in {"movie", "tv"}:
        details["tmdb_type"] = item.media_type
    assert item.release_date is not None
    day, precision = parse_release(item.release_date)
    await demo.transaction.first(
        item_queries.CREATE[item.media_type],
        id=demo_id(name),
        user_id=demo_id(CURATOR),
        is_admin=False,
        release_date=day,
        release_precision=precision,
        creators=creators_of(item.media_type, details),
        **item.model_dump(exclude={"details", "release_date"}),
        **left_alone(item.given(), ()),
        **details,
    )


async def _tag(demo: Demo, living: set[UUID]) -> None:
    """Add the tags, and attach them where the tag or the work is new."""
    for owner in DEMO_PEOPLE:
        theirs = {name: tag for name, (of, tag) in TAGS.items() if of == owner}
        for name in await demo.missing(Tag, theirs, owner):
            tag = theirs[name].name
            row = {"id": demo_id(name), "owner_id": demo_id(owner), "name": tag, "name_key": name_key(tag)}
            if await demo.transaction.first(queries.ADD_TAG, **row) is None:
                demo.leave_out(name, f"its owner has another tag with the name {tag}")
    tagged = [
        {"tag_id": demo_id(name), "item_id": demo_id(work)}
        for name in TAGS
        for work in map("media.{}".format, TAGGED[name])
        if demo_id(work) in living and _is_new(demo, name, work)
    ]
    await demo.transaction.many(queries.TAG, tagged)


def _is_new(demo: Demo, *names: str) -> bool:
    """Whether one of these things is added by this load; what hangs on them was left or taken away otherwise."""
    return not demo.added.isdisjoint(map(demo_id, names))
