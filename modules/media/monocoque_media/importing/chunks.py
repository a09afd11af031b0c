"""From the rows of a chunk to what is to be written: no statements here, and nothing of HTTP."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from monocoque.types import new_id
from monocoque_media.fields import creators_of, left_alone
from monocoque_media.importing.memory import Remembered
from monocoque_media.importing.rows import LeftRow, LogEntry, ReadRow, Row
from monocoque_media.schemas.states import MAX_PASS, StateWrite
from monocoque_media.schemas.tags import MAX_NAME, name_key
from monocoque_media.schemas.values import parse_release

STATE = ("status", "rating", "favorite", "notes", "started_at", "finished_at", "pass_number")
TAGS_CUT = f"Of tags that are longer, the first {MAX_NAME} characters were kept."
State = Mapping[str, Any]


@dataclass(slots=True)
class Target:
    """What a person has of an item: what is there before the chunk, and after the rows seen so far."""

    id: UUID
    state: State | None = None
    tags: set[str] = field(default_factory=set)
    logged_until: datetime | None = None
    made: bool = False
    """By a row of this chunk."""
    unkept: bool = False
    """By one before it, in a dry run."""
    names: set[int] = field(default_factory=set)
    """What the file calls it."""
    earlier_tags: frozenset[int] = frozenset()

    def may_be_called(self, name: int | None) -> bool:
        return name is None or not self.names or name in self.names

    def is_called(self, name: int | None) -> None:
        if name is not None:
            self.names.add(name)

    def has_tag(self, key: str) -> bool:
        return key in self.tags or hash(key) in self.earlier_tags


@dataclass(slots=True)
class Writes:
    """What a chunk changes."""

    items: list[dict[str, Any]] = field(default_factory=list)
    details: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    states: dict[UUID, State] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    item_tags: list[dict[str, Any]] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)


def keys_of(row: ReadRow, owner_id: UUID, format_name: str) -> dict[str, str]:
    """The row's digest and, where it has one, its item's identity, for this person alone; hexadecimal."""
    service = "own" if format_name in {"csv", "json"} else format_name
    digest: Callable[[ReadRow], str] = lambda one: hashlib.sha256(  # noqa: E731
        owner_id.bytes + service.encode() + one.digest()
    ).hexdigest()
    found = {"digest": digest(row)}
    if row.formerly is not None:
        found["former_digest"] = digest(row.formerly)
    if row.identity is not None:
        said = f"{service}/{row.item.media_type if row.item else ''}/{row.identity}"
        found["identity"] = hashlib.sha256(owner_id.bytes + said.encode()).hexdigest()
    return found


def to_match(place: int, row: Row, keys: Mapping[str, str] | None) -> dict[str, Any] | None:
    """What the look-up of a row's item goes by, be it a guess; None where the row names no item."""
    if isinstance(row, LeftRow):
        return _guess_to_match(place, row)
    if row.item is None:
        return None
    item = row.item
    creators = row.creators
    return {
        "place": place,
        **(keys or {}),
        "item_id": row.item_id,
        "own": row.own,
        "media_type": item.media_type,
        "title": item.title,
        "kind": row.kind,
        "year": row.year,
        "creator": creators[0] if creators else None,
        "isbn_13": row.isbn,
        "sources": [reference.model_dump() for reference in row.references],
    }


def _guess_to_match(place: int, row: LeftRow) -> dict[str, Any] | None:
    guess = row.guess or {}
    if "media_type" not in guess:
        return None
    creators, released = guess.get("creators"), guess.get("release_date")
    return {
        "place": place,
        "own": False,
        "media_type": guess["media_type"],
        "title": guess["title"],
        "year": None if released is None else int(released[:4]),
        "creator": None if creators is None else creators.partition(",")[0],
        "sources": [],
    }


def add_item(writes: Writes, item_id: UUID, row: ReadRow) -> None:
    """A new entry of the person's own."""
    assert row.item is not None
    item = row.item
    released, precision = (None, None) if item.release_date is None else parse_release(item.release_date)
    details = item.details.model_dump()
    writes.items.append(
        {
            "id": item_id,
            **item.model_dump(
                include={"media_type", "title", "subtitle", "description", "cover_image_url", "metadata"}
            ),
            "release_date": released,
            "release_precision": precision,
            "creators": creators_of(item.media_type, details),
            **left_alone(row.edited_fields, row.locks),
        }
    )
    if item.media_type in {"movie", "tv"}:
        details["tmdb_type"] = item.media_type
    writes.details.setdefault(item.media_type, []).append({"id": item_id, **details})


def take(row: ReadRow, target: Target, writes: Writes) -> bool:
    """Fold a row into what there is; whether that changed anything besides the log that the row itself brings."""
    changed = False
    if row.state is not None:
        before = target.state
        after = _exactly(row.state) if row.log or row.item_id else _folded(before, row.state, again=row.again)
        if after != before:
            changed = True
            target.state = after
            logged = _is_last(row.log, after, target)
            writes.states[target.id] = {**after, **(_times(row.log) if logged else {})}
            if not logged:
                writes.log.append({"id": new_id(), "item_id": target.id, "at": None, "action": "set", **after})
    for name in row.tags:
        key = name_key(name)
        if not target.has_tag(key):
            changed = True
            target.tags.add(key)
            writes.tags.setdefault(key, name)
            writes.item_tags.append({"item_id": target.id, "name_key": key})
    return changed


def restored_log(row: ReadRow, item_id: UUID) -> list[dict[str, Any]]:
    """The entries that the row brings."""
    return [
        {"id": new_id(), "item_id": item_id, "at": entry.at, "action": entry.action, **_of(entry)} for entry in row.log
    ]


def _is_last(log: Sequence[LogEntry], state: State, target: Target) -> bool:
    """Whether the log, once it is restored, ends with this state."""
    if not log or log[-1].action != "set" or _of(log[-1]) != state:
        return False
    return target.logged_until is None or log[-1].at >= target.logged_until


def _times(log: Sequence[LogEntry]) -> dict[str, datetime]:
    return {"since": log[0].at, "at": log[-1].at}


def _of(entry: LogEntry) -> State:
    return _exactly(entry)


def _exactly(state: StateWrite) -> State:
    found = {name: getattr(state, name) for name in STATE}
    found["pass_number"] = state.pass_number or 1
    return found


def _folded(before: State | None, given: StateWrite, *, again: bool) -> State:
    """What there is with what a row of another service adds; what the row leaves open stays as it is."""
    after = dict(_exactly(given))
    if before is None:
        return after
    for name in ("rating", "notes", "started_at", "finished_at"):
        if after[name] is None:
            after[name] = before[name]
    after["favorite"] = after["favorite"] or before["favorite"]
    if given.status == "planned":
        # A list of wishes says nothing of what was begun or done meanwhile.
        after["status"] = before["status"]
    after["pass_number"] = max(after["pass_number"], before["pass_number"])
    ended, earlier = given.finished_at, before["finished_at"]
    if again and ended is not None and earlier is not None and ended != earlier:
        after["pass_number"] = min(before["pass_number"] + 1, MAX_PASS)
        after["finished_at"] = max(ended, earlier)
    began, finished = after["started_at"], after["finished_at"]
    if began is not None and finished is not None and finished < began:
        after["started_at"] = given.started_at
        after["finished_at"] = given.finished_at
    return after


def with_short_tags(row: Row, kept: Collection[str]) -> Row:
    """The row with its long tags cut, but for those of these keys; the same one where nothing is too long."""
    if not isinstance(row, ReadRow) or all(len(name) <= MAX_NAME or name_key(name) in kept for name in row.tags):
        return row
    names = (name if name_key(name) in kept else name[:MAX_NAME].rstrip() for name in row.tags)
    return replace(row, tags=tuple({name_key(name): name for name in names}.values()))


def brief(row: Row) -> Row:
    """The row as a dry run compares it: of the notes no more than what tells them apart."""
    if not isinstance(row, ReadRow) or row.state is None or row.state.notes is None:
        return row
    return replace(row, state=row.state.model_copy(update={"notes": _mark(row.state.notes)}))


def brief_state(state: State | None, *, brief: bool) -> State | None:
    """What there is, to compare with such a row."""
    return {**state, "notes": _mark(state["notes"])} if brief and state and state["notes"] is not None else state


def _mark(notes: str) -> str:
    return hashlib.sha256(notes.encode()).hexdigest()[:16]


def remembered(target: Target) -> Remembered:
    """What a dry run would have made of it."""
    return Remembered(
        target.made or target.unkept,
        frozenset(target.names),
        None if target.state is None else tuple(target.state[name] for name in STATE),
        target.earlier_tags | {hash(key) for key in target.tags},
    )


def recall(target: Target, earlier: Remembered | None) -> Target:
    """The target as the chunks before would have left it."""
    if earlier is not None:
        target.unkept = earlier.made
        target.names |= earlier.names
        target.earlier_tags = earlier.tags
        if earlier.state is not None:
            target.state = dict(zip(STATE, earlier.state, strict=True))
    return target


def report(
    row: Row, status: str, item_id: UUID | None = None, keys: Mapping[str, str] | None = None, reason: str | None = None
) -> dict[str, Any]:
    """A row of the import's report."""
    found: dict[str, Any] = {"row_number": row.number, "status": status, "item_id": item_id, "title": row.title}
    if isinstance(row, LeftRow):
        return {**found, "reason": row.reason[:1000], "guess": None if row.guess is None else dict(row.guess)}
    return {**found, **(keys or {}), "reason": reason, "guess": row.guess() if status == "failed" else None}


def counts(reports: Sequence[Mapping[str, Any]], created: int) -> dict[str, int]:
    """What an import's counters grow by."""
    number: Callable[[str], int] = lambda status: sum(line["status"] == status for line in reports)  # noqa: E731
    return {
        "row_count": len(reports),
        **{f"{status}_count": number(status) for status in ("imported", "unchanged", "skipped", "failed")},
        "created_item_count": created,
    }
