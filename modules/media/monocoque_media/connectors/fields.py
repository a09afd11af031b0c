"""The mapping of a source as a table: what each of our fields is made from, and how; the documents show it too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from monocoque_media.contracts import DETAILS, Details, MediaType, NormalisedItem, ProviderAnswerInvalid


@dataclass(frozen=True, slots=True)
class Field:
    """One of our fields: `convert` gets what stands at each of `paths` (None where nothing does), whatever it is."""

    target: str
    """`title`, `details.authors`, `metadata.genres`."""
    paths: tuple[str, ...]
    """Members of nested objects, joined by dots."""
    convert: Callable[..., Any]
    note: str
    """How, in a few words, for the documents."""


def one(target: str, path: str, convert: Callable[[Any], Any], note: str = "") -> Field:
    """A field that is made from one member."""
    return Field(target, (path,), convert, note)


def at(payload: Any, path: str) -> Any:
    """What stands at a path of nested objects, None where there is nothing."""
    for name in path.split("."):
        if not isinstance(payload, Mapping):
            return None
        payload = payload.get(name)
    return payload


def build(
    fields: Sequence[Field],
    payload: Any,
    *,
    source: str,
    kind: str,
    media_type: MediaType,
    fixed: Mapping[str, Any] = MappingProxyType({}),
) -> NormalisedItem:
    """The item that a table makes of a payload, with details that are `fixed` by what was asked.

    Raises ProviderAnswerInvalid where id or title are missing, or the item could not be stored.
    """
    if not isinstance(payload, Mapping):
        raise ProviderAnswerInvalid(source, f"gave something that is no {kind}")
    item: dict[str, Any] = {}
    details = dict(fixed)
    metadata: dict[str, Any] = {}
    for field in fields:
        value = field.convert(*(at(payload, path) for path in field.paths))
        room, _, name = field.target.partition(".")
        if room == "details":
            details[name] = value
        elif room == "metadata":
            if value not in (None, "", (), [], {}):
                metadata[name] = list(value) if isinstance(value, tuple) else value
        else:
            item[room] = value
    for needed in ("external_id", "title"):
        if not item.get(needed):
            raise ProviderAnswerInvalid(source, f"gave a {kind} without {'a title' if needed == 'title' else 'an id'}")
    made: Details = DETAILS[media_type](**details)
    told: dict[str, Any] = {"source": source, "kind": kind, "raw_payload": payload, "metadata": metadata}
    try:
        return NormalisedItem(media_type=media_type, details=made, **told, **item)
    except ValueError:
        # What cleaning lets through has to do for storing too; what still does not is one item less.
        raise ProviderAnswerInvalid(source, f"gave a {kind} that cannot be kept") from None
