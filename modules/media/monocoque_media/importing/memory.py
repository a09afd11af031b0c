"""What an import made so far: found again by the rules by which the database finds what is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from monocoque_media.importing.rows import ReadRow
from monocoque_media.schemas.items import MusicDetails

REMEMBERED = 20_000
"""Items that a dry run keeps in mind; of a longer file those that came first are forgotten."""
PRESUMED_KIND = MusicDetails().kind
_OF_ONE_TITLE = 999


@dataclass(frozen=True, slots=True)
class Looks:
    """What the item of a row is known by, each text as its hash."""

    name: int | None
    """What the file calls it. Of one file, two names are two things, however much else is the same."""
    isbn: int | None
    title: int
    kind: str | None
    year: int | None
    creators: tuple[int, ...]
    has_id: bool
    """Whether the name is an id of ours, which tells more than an ISBN."""
    by_title: bool
    """Whether anything but its name says which item is meant: one's own entry has an id of ours."""

    @classmethod
    def of(cls, row: ReadRow) -> Looks:
        assert row.item is not None
        isbn = row.isbn
        return cls(
            name=None if row.identity is None else hash((row.item.media_type, row.identity)),
            isbn=None if isbn is None else hash(isbn),
            title=hash((row.item.media_type, row.item.title.lower())),
            kind=row.kind,
            year=row.year,
            creators=tuple(hash(creator.lower()) for creator in row.creators),
            has_id=row.item_id is not None,
            by_title=not (row.own and row.item_id is not None),
        )

    def is_named_as(self, other: Looks) -> bool:
        """Whether the names allow that both are the same."""
        return self.name is None or other.name is None or self.name == other.name

    def means(self, made: Looks) -> bool:
        """Whether what was made looks like this: the same as the statement MATCH asks of an entry of that title."""
        if self.isbn is not None and made.isbn is not None and self.isbn != made.isbn:
            return False
        if self.kind is not None and self.kind != (made.kind or PRESUMED_KIND):
            return False
        creator = self.creators[0] if self.creators else None
        if creator is None or not made.creators:
            return self.year == made.year or (self.year is None and creator is None)
        return creator in made.creators and (self.year is None or made.year is None or self.year == made.year)


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a dry run would have made of an item by now; `tags` are hashes of their keys."""

    made: bool
    names: frozenset[int]
    state: tuple[Any, ...] | None
    tags: frozenset[int]


class Memory:
    """Of a chunk, on top of that of the chunks before it, which a dry run has besides."""

    def __init__(self, earlier: Memory | None = None) -> None:
        self._earlier = earlier
        self._made: dict[tuple[str, int], tuple[tuple[Looks, UUID], ...]] = {}
        self.items: dict[UUID, Remembered] = {}
        self.rows: dict[int, None] = {}
        """Digests of the rows that were taken."""
        self.tags: dict[int, None] = {}
        """Tags that rows of their own named."""

    def add(self, looks: Looks, item_id: UUID) -> None:
        """An item that a row makes."""
        for key in _keys(looks):
            self._made[key] = (*self._at(key)[-_OF_ONE_TITLE:], (looks, item_id))

    def certain(self, looks: Looks) -> UUID | None:
        """The item of this name, or of this ISBN."""
        for key in _keys(looks)[:-1]:
            for made, item_id in self._at(key):
                if key[0] == "name" or (looks.by_title and (not looks.has_id or looks.is_named_as(made))):
                    return item_id
        return None

    def likely(self, looks: Looks) -> UUID | None:
        """The item of this title that may be the same."""
        if looks.by_title:
            for made, item_id in self._at(("title", looks.title)):
                if looks.is_named_as(made) and looks.means(made):
                    return item_id
        return None

    def item(self, item_id: UUID) -> Remembered | None:
        """What the chunks before made of an item."""
        return None if self._earlier is None else self._earlier.items.get(item_id)

    def has_row(self, digest: int) -> bool:
        """Whether the chunks before had a row that says the same."""
        return self._earlier is not None and digest in self._earlier.rows

    def has_tag(self, key: int) -> bool:
        """Whether the chunks before named the tag."""
        return self._earlier is not None and key in self._earlier.tags

    def keep(self) -> None:
        """Hand over to the memory of the whole file, once the chunk is done."""
        if self._earlier is None:
            return
        for name in ("_made", "items", "rows", "tags"):
            kept: dict[Any, Any] = getattr(self._earlier, name)
            kept.update(getattr(self, name))
            most = REMEMBERED * 3 if name == "_made" else REMEMBERED
            while len(kept) > most:
                del kept[next(iter(kept))]

    def _at(self, key: tuple[str, int]) -> tuple[tuple[Looks, UUID], ...]:
        found = self._made.get(key)
        if found is None:
            found = () if self._earlier is None else self._earlier._at(key)  # noqa: SLF001  one of its own
        return found


def _keys(looks: Looks) -> list[tuple[str, int]]:
    named = [("name", looks.name), ("isbn", looks.isbn), ("title", looks.title)]
    return [(what, value) for what, value in named if value is not None]
