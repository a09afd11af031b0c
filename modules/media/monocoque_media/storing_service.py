"""The rules of a chunk of rows: which items it means, what it makes and changes, and what is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from monocoque.database import Transaction
from monocoque.types import new_id
from monocoque_media.importing import chunks
from monocoque_media.importing.chunks import Target, Writes
from monocoque_media.importing.memory import Looks, Memory
from monocoque_media.importing.rows import ReadRow, Row
from monocoque_media.queries import imports as queries
from monocoque_media.queries import matching
from monocoque_media.schemas.tags import MAX_NAME, name_key

_OURS = frozenset({"csv", "json"})
_ONE_NAME_FOR_EACH = frozenset({"letterboxd", "tmdb"})
"""Services that have one name for each work; what others name are editions, and our own ids are those of one server."""


class GivenUp(Exception):
    """The import's record says that it runs no more."""


class AccountGone(Exception):
    """The account was deleted, and with it whatever is imported for it."""


@dataclass(frozen=True, slots=True)
class Job:
    """An import that runs."""

    id: UUID
    owner_id: UUID
    format: str
    dry_run: bool
    memory: Memory | None = None
    """Of a dry run, which finds nothing of what it made in the database."""


async def store_chunk(transaction: Transaction, job: Job, rows: list[Row]) -> Memory:
    """Write a chunk, and what became of its rows; what it made is told to a dry run once the transaction is over."""
    writes = Writes()
    memory = Memory(job.memory)
    keys = {
        place: chunks.keys_of(row, job.owner_id, job.format)
        for place, row in enumerate(rows)
        if isinstance(row, ReadRow)
    }
    if job.dry_run:
        rows = [chunks.brief(row) for row in rows]
    rows, cut = await _with_short_tags(transaction, job, rows)
    matched = await _match(transaction, job, rows, keys)
    targets, making = await _targets(transaction, job, rows, matched, memory, writes)
    outcomes: list[tuple[Row, str, UUID | None]] = []
    log_of: dict[int, list[dict[str, Any]]] = {}
    own_tags = await _own_tags(transaction, job, rows)
    for place, row in enumerate(rows):
        if not isinstance(row, ReadRow):
            outcomes.append((row, row.status, matched.certain.get(place) or matched.likely.get(place)))
            continue
        if row.item is None:
            key = name_key(row.tags[0])
            known = key in own_tags or memory.has_tag(hash(key))
            outcomes.append((row, "unchanged" if known else "imported", None))
            own_tags.add(key)
            memory.tags[hash(key)] = None
            writes.tags.setdefault(key, row.tags[0])
            continue
        target = targets[place]
        seen = job.format not in _OURS and (place in matched.seen or memory.has_row(hash(keys[place]["digest"])))
        if seen and not target.made and (row.state is None or target.state is not None):
            outcomes.append((row, "unchanged", target.id))
            continue
        changed = chunks.take(row, target, writes) or place in making
        if row.log:
            log_of[place] = chunks.restored_log(row, target.id)
        outcomes.append((row, "imported" if changed else "unchanged", target.id))
    restored = [entry for entries in log_of.values() for entry in entries]
    logged = await (
        _would_log(transaction, job, restored) if job.dry_run else _write(transaction, job, writes, restored)
    )
    reports = []
    unkept = {target.id for target in targets.values() if target.unkept or (target.made and job.dry_run)}
    for place, (row, status, item_id) in enumerate(outcomes):
        if status == "unchanged" and place in log_of and item_id in logged:
            status = "imported"  # noqa: PLW2901  the row brought nothing new but entries of its log
        known_by = None if job.dry_run else keys.get(place)
        reason = chunks.TAGS_CUT if place in cut else None
        reports.append(chunks.report(row, status, None if item_id in unkept else item_id, known_by, reason))
        if job.dry_run and place in keys and place in targets:
            memory.rows[hash(keys[place]["digest"])] = None
            memory.items[targets[place].id] = chunks.remembered(targets[place])
    await tell(transaction, job, reports, created=len(writes.items))
    return memory


@dataclass(frozen=True, slots=True)
class _Matched:
    """What is known of the rows of a chunk, by their places."""

    certain: dict[int, UUID]
    """The item that each means."""
    likely: dict[int, UUID]
    """The item of its title; of a row that cannot be read, the one that it probably means."""
    seen: set[int]
    """Those that were imported before, word for word."""


async def _match(
    transaction: Transaction, job: Job, rows: list[Row], keys: Mapping[int, Mapping[str, str]]
) -> _Matched:
    by_place = (chunks.to_match(place, row, keys.get(place)) for place, row in enumerate(rows))
    wanted = [one for one in by_place if one is not None]
    if not wanted:
        return _Matched({}, {}, set())
    await transaction.value(matching.PLAN_ANEW)
    found = await transaction.all(
        matching.MATCH,
        owner_id=job.owner_id,
        import_id=job.id,
        format=job.format,
        lasting=job.format in _ONE_NAME_FOR_EACH,
        rows=wanted,
    )
    return _Matched(
        {row["place"]: row["certain"] for row in found if row["certain"] is not None},
        {row["place"]: row["likely"] for row in found if row["likely"] is not None},
        {row["place"] for row in found if row["seen"]},
    )


async def _targets(
    transaction: Transaction, job: Job, rows: list[Row], matched: _Matched, memory: Memory, writes: Writes
) -> tuple[dict[int, Target], set[int]]:
    """What the person has of each row's item, by the row's place; the places of the rows that make a new one."""
    looks = {
        place: Looks.of(row) for place, row in enumerate(rows) if isinstance(row, ReadRow) and row.item is not None
    }
    if not looks:
        return {}, set()
    ids = sorted({*matched.certain.values(), *matched.likely.values()})
    held = {
        row["id"]: Target(
            row["id"],
            chunks.brief_state(_state(row["state"]), brief=job.dry_run),
            set(row["tags"]),
            row["logged_until"],
        )
        for row in await transaction.all(queries.HOLDINGS, owner_id=job.owner_id, ids=ids)
    }
    for item_id, target in held.items():
        chunks.recall(target, memory.item(item_id))
    for place, item_id in matched.certain.items():
        if place in looks and item_id in held:
            held[item_id].is_called(looks[place].name)
    targets: dict[int, Target] = {}
    making: set[int] = set()
    for place, look in looks.items():
        found = _held(held, memory, look, matched.certain.get(place), matched.likely.get(place))
        target = found or Target(new_id(), made=True)
        if found is None:
            held[target.id] = target
            row = rows[place]
            assert isinstance(row, ReadRow)
            chunks.add_item(writes, target.id, row)
            making.add(place)
        if target.made or target.unkept:
            memory.add(look, target.id)
        target.is_called(look.name)
        targets[place] = target
    return targets, making


def _held(
    held: dict[UUID, Target], memory: Memory, look: Looks, certain: UUID | None, likely: UUID | None
) -> Target | None:
    """What a row means of what there is, of what the chunk makes, or of what a dry run would have made before it."""
    for item_id, is_certain in (
        (certain, True),
        (memory.certain(look), True),
        (likely, False),
        (memory.likely(look), False),
    ):
        if item_id is None:
            continue
        target = held.get(item_id)
        if target is None and (earlier := memory.item(item_id)) is not None and earlier.made:
            target = held[item_id] = chunks.recall(Target(item_id), earlier)
        if target is not None and (is_certain or target.may_be_called(look.name)):
            return target
    return None


def _state(found: dict[str, Any] | None) -> dict[str, Any] | None:
    if found is not None:
        for name in ("started_at", "finished_at"):
            found[name] = found[name] and date.fromisoformat(found[name])
    return found


async def _with_short_tags(transaction: Transaction, job: Job, rows: list[Row]) -> tuple[list[Row], set[int]]:
    """The rows with their tags as long as tags are, but for those that the person has already; which rows differ."""
    keys = {name_key(name) for row in rows if isinstance(row, ReadRow) for name in row.tags if len(name) > MAX_NAME}
    if not keys:
        return rows, set()
    kept = {row["name_key"] for row in await transaction.all(queries.TAG_KEYS, owner_id=job.owner_id, keys=list(keys))}
    cut = [chunks.with_short_tags(row, kept) for row in rows]
    return cut, {place for place, row in enumerate(rows) if cut[place] is not row}


async def _own_tags(transaction: Transaction, job: Job, rows: list[Row]) -> set[str]:
    keys = [name_key(row.tags[0]) for row in rows if isinstance(row, ReadRow) and row.item is None]
    if not keys:
        return set()
    found = await transaction.all(queries.TAG_KEYS, owner_id=job.owner_id, keys=keys)
    return {row["name_key"] for row in found}


async def _write(transaction: Transaction, job: Job, writes: Writes, restored: list[dict[str, Any]]) -> set[UUID]:
    """Write what a chunk changes; the ids of the items whose log got entries that the rows brought."""
    owner_id = job.owner_id
    if writes.items:
        await transaction.run(queries.ADD_ITEMS, owner_id=owner_id, rows=writes.items)
        for media_type, details in writes.details.items():
            await transaction.run(queries.ADD_DETAILS[media_type], rows=details)
    if writes.states:
        states = [{"item_id": item_id, **state} for item_id, state in writes.states.items()]
        await transaction.run(queries.PUT_STATES, owner_id=owner_id, rows=states)
    logged: set[UUID] = set()
    if restored:
        added = await transaction.all(queries.ADD_LOG, owner_id=owner_id, rows=restored)
        logged = {row["item_id"] for row in added}
    if writes.log:
        await transaction.run(queries.ADD_LOG, owner_id=owner_id, rows=writes.log)
    if writes.tags:
        tags = [{"id": new_id(), "name": name, "name_key": key} for key, name in writes.tags.items()]
        await transaction.run(queries.ADD_TAGS, owner_id=owner_id, rows=tags)
    if writes.item_tags:
        await transaction.run(queries.TAG_ITEMS, owner_id=owner_id, rows=writes.item_tags)
    return logged


async def _would_log(transaction: Transaction, job: Job, restored: list[dict[str, Any]]) -> set[UUID]:
    """What `_write` would give."""
    if not restored:
        return set()
    found = await transaction.all(queries.NEW_IN_LOG, owner_id=job.owner_id, rows=restored)
    return {row["item_id"] for row in found}


async def tell(transaction: Transaction, job: Job, reports: list[dict[str, Any]], *, created: int) -> None:
    """Add to the report; raises GivenUp or AccountGone, which undoes the chunk, where the import runs no more."""
    await transaction.run(queries.ADD_ROWS, import_id=job.id, rows=reports)
    if not await transaction.run(queries.ADVANCE, id=job.id, **chunks.counts(reports, created)):
        if await transaction.first(queries.FIND, owner_id=job.owner_id, id=job.id) is None:
            raise AccountGone
        raise GivenUp
