"""Names of the schemas in the OpenAPI document: short, of one form, and no two alike, as generators of clients need."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

_PREFIX = "#/components/schemas/"
_QUALIFIED = re.compile(r"(?P<package>[a-z][a-z0-9_]*?)__(?P<path>\w+)")
_GENERIC = re.compile(r"(?P<outer>\w+)\[(?P<inner>\w+)\]")


def name_schemas(document: dict[str, Any]) -> None:
    """Give each schema whose class has a namesake elsewhere its module's name in front, as in `BuildListsItemRead`.

    FastAPI tells such schemas apart by their Python path and leaves them the same title, which is what a generator
    names its classes after. Two namesakes in one module get the whole path instead.
    """
    schemas: dict[str, Any] = document["components"]["schemas"]
    names = _distinct_names(schemas)
    titles = {}
    for name, schema in schemas.items():
        generic = _GENERIC.fullmatch(schema.get("title", ""))
        if generic and (inner := _argument(schema, generic["inner"], schemas)) in names:
            titles[name] = f"{generic['outer']}[{names[inner]}]"
    names |= {name: title.replace("[", "_").replace("]", "_") for name, title in titles.items()}
    for name, new in names.items():
        schemas[name]["title"] = titles.get(name, new)
    document["components"]["schemas"] = {
        name: schemas[old] for name, old in sorted((names.get(old, old), old) for old in schemas)
    }
    _replace(document, {_PREFIX + old: _PREFIX + new for old, new in names.items()})


def _distinct_names(schemas: dict[str, Any]) -> dict[str, str]:
    """A new name for each schema, other than of a generic class, that FastAPI named by its Python path."""
    found = {
        name: match
        for name, schema in schemas.items()
        if (match := _QUALIFIED.fullmatch(name)) and not _GENERIC.fullmatch(schema.get("title", ""))
    }
    short = {name: _in_module(match, match["path"].rpartition("__")[2]) for name, match in found.items()}
    taken = Counter([*short.values(), *(name for name in schemas if name not in found)])
    return {
        name: short[name] if taken[short[name]] == 1 else _in_module(match, match["path"])
        for name, match in found.items()
    }


def _in_module(match: re.Match[str], path: str) -> str:
    module = match["package"].removeprefix("monocoque_")
    *folders, own = path.split("__")
    return "".join(part.title().replace("_", "") for part in (module, *folders)) + own


def _argument(schema: dict[str, Any], title: str, schemas: dict[str, Any]) -> str | None:
    """The schema of this title that a generic one refers to."""
    return next((name for name in _references(schema) if schemas[name].get("title") == title), None)


def _references(part: Any) -> list[str]:
    if isinstance(part, dict):
        return [name for value in part.values() for name in _references(value)]
    if isinstance(part, list):
        return [name for value in part for name in _references(value)]
    return [part.removeprefix(_PREFIX)] if isinstance(part, str) and part.startswith(_PREFIX) else []


def _replace(part: Any, names: dict[str, str]) -> None:
    """Put the new references in the place of the old ones, in a `$ref` or a discriminator's mapping."""
    for key, value in part.items() if isinstance(part, dict) else enumerate(part):
        if isinstance(value, dict | list):
            _replace(value, names)
        elif isinstance(value, str) and value in names:
            part[key] = names[value]
