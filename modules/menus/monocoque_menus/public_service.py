"""What anyone may read: a menu that is public by its slug, an unlisted one by its link."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from monocoque.database import Executor
from monocoque.problems import Problem
from monocoque_menus.links import digest_of, is_slug, is_token
from monocoque_menus.problems import NOT_PUBLIC
from monocoque_menus.queries import documents as queries
from monocoque_menus.slugs import MAX_SLUG


@dataclass(frozen=True, slots=True)
class Found:
    """A menu as JSON; `by_link` where it is not for search engines, nor for shared caches."""

    document: bytes
    by_link: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """The menu has another slug now, and keeps this one for ever."""

    slug: str


async def find_public(executor: Executor, address: str, reader_id: UUID | None = None) -> Found | Moved:
    """What a slug or the token of a link opens, in one statement, with the reader's progress if one is given.

    Raises the same 404 whatever the reason why it opens nothing.
    """
    reader = {} if reader_id is None else {"reader_id": reader_id}
    row = None
    by_link = is_token(address)
    if by_link:
        query = queries.BY_LINK_WITH_PROGRESS if reader else queries.BY_LINK
        row = await executor.first(query, digest=digest_of(address), **reader)
    elif len(address) <= MAX_SLUG and is_slug(address):
        query = queries.BY_SLUG_WITH_PROGRESS if reader else queries.BY_SLUG
        row = await executor.first(query, slug=address, **reader)
    if row is None:
        raise Problem(NOT_PUBLIC)
    return Moved(row["slug"]) if row["document"] is None else Found(row["document"], by_link)
