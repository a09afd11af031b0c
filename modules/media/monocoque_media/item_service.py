"""The rules of the items of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NoReturn
from uuid import UUID

from asyncpg import Record
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from monocoque.database import Executor, Transaction
from monocoque.problems import PRECONDITION_FAILED, FieldError, Problem
from monocoque.security import Principal
from monocoque.statements import merge_parameters
from monocoque.types import new_id
from monocoque_media.fields import CREATORS, DETAILS, ISBNS, creators_of, left_alone, lockable
from monocoque_media.problems import FIELD_UNKNOWN, IN_USE, MERGED, NOT_FOUND, NOT_YOURS
from monocoque_media.queries import items as queries
from monocoque_media.schemas.items import DETAILS_OF, Details, ItemPatch, ItemWrite
from monocoque_media.schemas.values import MERGED_METADATA, parse_release


async def create_item(executor: Executor, user_id: UUID, item: ItemWrite) -> Record:
    """Enter an item; the fields that the person gave count as edited, so a refresh leaves them alone."""
    values = item.details.model_dump()
    if item.media_type in {"movie", "tv"}:
        values["tmdb_type"] = item.media_type
    row = await executor.first(
        queries.CREATE[item.media_type],
        id=new_id(),
        user_id=user_id,
        is_admin=False,
        media_type=item.media_type,
        title=item.title,
        subtitle=item.subtitle,
        description=item.description,
        **_release(item.release_date),
        cover_image_url=item.cover_image_url,
        metadata=item.metadata,
        creators=creators_of(item.media_type, values),
        **left_alone(item.given(), ()),
        **values,
    )
    assert row is not None
    return row


async def find_item(
    executor: Executor, user_id: UUID, item_id: UUID, query: str = "", *, is_admin: bool = False
) -> Record:
    """An item as the user sees it; raises a 404, or a 308 to where it was merged into (with `query`)."""
    row = await executor.first(queries.FIND, id=item_id, user_id=user_id, is_admin=is_admin)
    if row is None:
        await refuse(executor, item_id, query=query)
    return row


async def find_item_with(executor: Executor, user: Principal, item_id: UUID, include: frozenset[str]) -> dict[str, Any]:
    """As `find_item`, with what is included: sources, raw (with sources), tags, state."""
    wanted = include | {"sources"} if "raw" in include else include
    row = await executor.first(
        queries.FIND_WITH,
        id=item_id,
        user_id=user.user_id,
        is_admin=user.is_admin,
        **{f"with_{name}": name in wanted for name in ("sources", "raw", "tags", "state")},
    )
    if row is None:
        await refuse(executor, item_id, query=f"?include={','.join(sorted(include))}")
    left_out = {"sources", "tags", "state"} - wanted
    return {name: value for name, value in row.items() if name not in left_out}


async def list_items(
    executor: Executor,
    user: Principal,
    *,
    media_type: str | None,
    pattern: str | None,
    creator: UUID | None,
    year: int | None,
    before: UUID | None,
    limit: int,
) -> list[Record]:
    """Items of the catalogue, newest first, those below the id `before`."""
    filters: dict[str, Any] = {}
    if media_type is not None:
        filters["media_type"] = media_type
    if pattern is not None:
        filters["pattern"] = pattern
    return await executor.all(
        queries.LIST[media_type is not None, pattern is not None],
        user_id=user.user_id,
        is_admin=user.is_admin,
        creator=creator,
        before=before,
        limit=limit,
        **days_of(year),
        **filters,
    )


async def merge_item(
    executor: Executor, user: Principal, item_id: UUID, change: ItemPatch, versions: list[int] | None
) -> Record:
    """Set the fields that were sent, as edits that a refresh leaves alone.

    Raises a 404, a 308, a 403, a 412 for another version, a 422 for details that are not of the item's type.
    """

    async def merge(transaction: Transaction) -> Record:
        present = await hold_own(transaction, user, item_id, versions)
        media_type: str = present["media_type"]
        details = _details_patch(media_type, change.details)
        sent = (change.model_fields_set - {"details"}) | details.model_fields_set
        derived: dict[str, Any] = left_alone({*present["edited_fields"], *sent}, present["locks"])
        if "release_date" in sent:
            derived |= _release(change.release_date)
        if "metadata" in sent:
            derived["metadata"] = _merged_metadata(present["metadata"], change.metadata)
        if CREATORS[media_type] in details.model_fields_set:
            derived["creators"] = creators_of(media_type, details.model_dump())
        await transaction.run(queries.MERGE, id=item_id, **merge_parameters(change, queries.FIELDS, **derived))
        if details.model_fields_set:
            parameters = merge_parameters(details, DETAILS[media_type])
            await transaction.run(queries.MERGE_DETAILS[media_type], id=item_id, **parameters)
        return await find_item(transaction, user.user_id, item_id, is_admin=user.is_admin)

    return await executor.transact(merge)


async def lock_fields(
    executor: Executor, user: Principal, item_id: UUID, fields: list[str], versions: list[int] | None
) -> Record:
    """Set which fields are locked besides those that were edited.

    Raises as `merge_item`, and a 422 for a name that is no field.
    """

    async def lock(transaction: Transaction) -> Record:
        present = await hold_own(transaction, user, item_id, versions, below="/locks")
        _check_fields(present["media_type"], {f"#/fields/{place}": name for place, name in enumerate(fields)})
        await transaction.run(queries.SET_LOCKS, id=item_id, **left_alone(present["edited_fields"], fields))
        return await find_item(transaction, user.user_id, item_id, is_admin=user.is_admin)

    return await executor.transact(lock)


async def give_back(executor: Executor, user: Principal, item_id: UUID, field: str, versions: list[int] | None) -> None:
    """Count a field as edited no more, which it need not have been; raises as `lock_fields`.

    Its value stays until a refresh replaces it. The two forms of an ISBN go together.
    """

    async def change(transaction: Transaction) -> None:
        present = await hold_own(transaction, user, item_id, versions, below=f"/edits/{field}")
        _check_fields(present["media_type"], {"path/field": field})
        left = {*present["edited_fields"]} - (ISBNS if field in ISBNS else {field})
        if left != {*present["edited_fields"]}:
            await transaction.run(queries.SET_LOCKS, id=item_id, **left_alone(left, present["locks"]))

    await executor.transact(change)


async def delete_item(executor: Executor, user: Principal, item_id: UUID, versions: list[int] | None) -> None:
    """Put an item aside until it is restored or purged.

    Raises as `merge_item`, and a 409 where somebody else keeps a state or a tag on it; an administrator may all the
    same.
    """

    async def delete(transaction: Transaction) -> None:
        await hold_own(transaction, user, item_id, versions)
        if not user.is_admin and await transaction.value(queries.IN_USE, id=item_id, user_id=user.user_id):
            raise Problem(IN_USE)
        await transaction.run(queries.DELETE, id=item_id)

    await executor.transact(delete)


async def restore_item(executor: Executor, user: Principal, item_id: UUID) -> Record:
    """Bring a deleted item back (a living one is given as it is); raises a 404, 308 or 403."""

    async def restore(transaction: Transaction) -> Record:
        present = await transaction.first(queries.HOLD, id=item_id)
        if present is None or present["merged_into"] is not None:
            await refuse(transaction, item_id, below="/restore")
        _check_own(user, present)
        if present["deleted_at"] is not None:
            await transaction.run(queries.RESTORE, id=item_id)
        return await find_item(transaction, user.user_id, item_id, is_admin=user.is_admin)

    return await executor.transact(restore)


async def hold_own(
    transaction: Transaction, user: Principal, item_id: UUID, versions: list[int] | None, below: str = ""
) -> Record:
    """The item's row, locked, for its creator or an administrator; raises a 404, 308, 403 or 412."""
    row = await transaction.first(queries.HOLD, id=item_id)
    if row is None or row["deleted_at"] is not None:
        await refuse(transaction, item_id, below=below)
    _check_own(user, row)
    if versions is not None and row["version"] not in versions:
        raise Problem(PRECONDITION_FAILED)
    return row


async def refuse(executor: Executor, item_id: UUID, *, below: str = "", query: str = "") -> NoReturn:
    """Say why there is no living item: a 308 where it was merged into another, else a 404.

    `below` is the rest of the path that was asked for; the Location is relative to it, so it holds behind any proxy.
    """
    into = await executor.value(queries.WHERE_TO, id=item_id)
    if into is None:
        raise Problem(NOT_FOUND)
    up = "../" * below.count("/")
    raise Problem(MERGED, headers={"Location": f"{up}{into}{below}{query}"})


def days_of(year: int | None) -> dict[str, date | None]:
    """The first and the last day of a year, as parameters; both NULL for none."""
    return {
        "first_day": None if year is None else date(year, 1, 1),
        "last_day": None if year is None else date(year, 12, 31),
    }


def _check_own(user: Principal, row: Mapping[str, Any]) -> None:
    if not user.is_admin and row["created_by"] != user.user_id:
        raise Problem(NOT_YOURS)


def _check_fields(media_type: str, names: Mapping[str, str]) -> None:
    """Raises a 422 for names, by their pointers, that are no fields of this type."""
    known = lockable(media_type)
    detail = f"Fields here: {', '.join(sorted(known))}."
    errors = [FieldError(place, FIELD_UNKNOWN.code, detail) for place, name in names.items() if name not in known]
    if errors:
        raise Problem(FIELD_UNKNOWN, errors=errors)


def _release(text: str | None) -> dict[str, Any]:
    day, precision = (None, None) if text is None else parse_release(text)
    return {"release_date": day, "release_precision": precision}


def _details_patch(media_type: str, sent: dict[str, Any]) -> Details:
    try:
        return DETAILS_OF[media_type].model_validate(sent)
    except ValidationError as error:
        raise _invalid(error, "details") from None


def _merged_metadata(present: dict[str, Any], change: dict[str, Any] | None) -> dict[str, Any]:
    """RFC 7396; raises a 422 where the two together are too large."""
    merged = merge_patch(present, change or {}) if change is not None else {}
    try:
        return MERGED_METADATA.validate_python(merged)
    except ValidationError as error:
        raise _invalid(error, "metadata") from None


def merge_patch(present: Any, change: Any) -> Any:
    """What RFC 7396 makes of `present`: members are set one by one, null takes one away, anything else replaces."""
    if not isinstance(change, dict):
        return change
    merged = dict(present) if isinstance(present, dict) else {}
    for name, value in change.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def _invalid(error: ValidationError, member: str) -> RequestValidationError:
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return RequestValidationError([{**fault, "loc": ("body", member, *fault["loc"])} for fault in faults])
