"""Every setting, as the lines of `.env.example` and as a page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import AliasChoices, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from monocoque.cli.contracts.markdown import table
from monocoque.modules import load
from monocoque.registry import Inventory
from monocoque.settings import DEVELOPMENT_SECRET, Settings, variable_of

_PAGE = """\
# Configuration

Every setting, with its default. Written by `make contracts` from the code: change the settings, not this page.

Settings are read from the environment and from a file `.env` in the folder where the process starts; the environment
wins. An empty value counts as unset, a list is separated by commas. [`.env.example`](../.env.example) has the same
variables, ready to copy. What is wrong is said at start, all of it at once and without repeating a value; nothing is
read later, so a change takes a restart. How they are used in operation: [operations.md](operations.md).
"""


def configuration_text(inventory: Inventory, form: Literal["env", "markdown"] = "env") -> str:
    """Every variable with its meaning and its default: `.env.example`, commented out, or `docs/configuration.md`."""
    sections: list[tuple[str, type[BaseSettings]]] = [("The shell", Settings), *_of_modules(inventory)]
    if form == "markdown":
        return "\n".join([_PAGE, *(page_section(title, model) for title, model in sections)])
    head = "# Every setting with its default. Copy to .env and uncomment what you change.\n"
    return "\n".join([head, *(_env_section(title, model) for title, model in sections)])


def _of_modules(inventory: Inventory) -> Iterator[tuple[str, type[BaseSettings]]]:
    for module in sorted(inventory.enabled, key=lambda module: module.name):
        if module.settings:
            yield f"Module {module.name}", load(module.settings)


def _env_section(title: str, model: type[BaseSettings]) -> str:
    lines = [f"# --- {title}"]
    for name, field in model.model_fields.items():
        lines += [f"# {field.description}", f"# {variable_of(model, name)}={_default(field)}"]
    return "\n".join(lines) + "\n"


def _default(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    if default is None:
        return ""
    if isinstance(default, tuple):
        return ",".join(str(part) for part in default)
    return str(default).lower() if isinstance(default, bool) else str(default)


def page_section(title: str, model: type[BaseSettings]) -> str:
    """The settings of one class, as a table with its heading."""
    refused = refused_in_production(model)
    rows = (
        (f"`{variable_of(model, name)}`", _value(field), _shown_default(field), _meaning(model, name, field, refused))
        for name, field in model.model_fields.items()
    )
    return "\n".join([f"## {title}", "", *table(("variable", "value", "default", "meaning"), rows), ""])


def _shown_default(field: FieldInfo) -> str:
    default = _default(field)
    return f"`{default}`" if default else "unset"


def _meaning(model: type[BaseSettings], name: str, field: FieldInfo, refused: dict[str, list[str]]) -> str:
    words = [field.description or ""]
    aliases = _other_variables(model, name, field)
    if aliases:
        words.append(f"Also read from {' and '.join(aliases)}.")
    words += [f"**Production:** {reason}." for reason in refused.get(name, ())]
    return " ".join(words)


def _other_variables(model: type[BaseSettings], name: str, field: FieldInfo) -> list[str]:
    alias = field.validation_alias
    choices = alias.choices if isinstance(alias, AliasChoices) else ()
    return [f"`{choice}`" for choice in choices if isinstance(choice, str) and choice != variable_of(model, name)]


def refused_in_production(model: type[BaseSettings]) -> dict[str, list[str]]:
    """Why a production start refuses a field that is unset, or set to what is fit for development only."""
    if "environment" not in model.model_fields:
        return {}
    secrets = [name for name, field in model.model_fields.items() if SecretStr in _kinds(field)]
    found: dict[str, list[str]] = {}
    for values in ({}, dict.fromkeys(secrets, DEVELOPMENT_SECRET)):
        allowed = {(name, reason) for name, reason in _refusals(model, environment="development", **values)}
        for name, reason in _refusals(model, environment="production", **values):
            if (name, reason) not in allowed and reason not in found.setdefault(name, []):
                found[name].append(reason)
    return found


def _refusals(model: type[BaseSettings], **values: str) -> Iterator[tuple[str, str]]:
    """What is wrong with these values by themselves, whatever the environment of this process says."""

    class Given(model):  # type: ignore[valid-type,misc]
        @classmethod
        def settings_customise_sources(cls, _: Any, init_settings: Any, **__: Any) -> tuple[Any, ...]:
            return (init_settings,)

    try:
        Given(**values)
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            reason = problem["msg"].removeprefix("Value error, ").partition(", such as python")[0]
            yield _field_of(model, str(problem["loc"][0])), reason.replace(" in production", "")


def _field_of(model: type[BaseSettings], location: str) -> str:
    """The field that an error is about; one with further variables is named after the first of them."""
    return next((name for name in model.model_fields if location in {name, variable_of(model, name)}), location)


def _kinds(field: FieldInfo) -> tuple[Any, ...]:
    """The type of a field, taken apart where it is a union; None is left out."""
    annotation = getattr(field.annotation, "__value__", field.annotation)
    kinds = get_args(annotation) if get_origin(annotation) in {Union, UnionType} else (annotation,)
    return tuple(_bare(kind) for kind in kinds if kind is not type(None))


def _bare(kind: Any) -> Any:
    return get_args(kind)[0] if hasattr(kind, "__metadata__") else kind


_WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    SecretStr: "secret text",
    Path: "path",
}


def _value(field: FieldInfo) -> str:
    """What a variable takes, in words."""
    (kind,) = _kinds(field)
    if get_origin(kind) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(kind))
    if get_origin(kind) is tuple:
        return "list"
    limits = {name: getattr(part, name) for part in field.metadata for name in _LIMITS if hasattr(part, name)}
    pattern = next((part.pattern for part in field.metadata if getattr(part, "pattern", None)), None)
    return ", ".join([_WORDS.get(kind, str(kind)), *_in_words(limits), *([f"like `{pattern}`"] if pattern else [])])


_LIMITS = ("ge", "gt", "le", "lt", "min_length", "max_length")


def _in_words(limits: dict[str, Any]) -> Iterator[str]:
    if {"ge", "le"} <= limits.keys():
        yield f"{limits['ge']} to {limits['le']}"
    else:
        for name, words in (("ge", "at least"), ("gt", "above"), ("le", "at most"), ("lt", "below")):
            if limits.get(name) is not None:
                yield f"{words} {limits[name]}"
    low, high = limits.get("min_length"), limits.get("max_length")
    if high is not None:
        yield f"{low or 0} to {high} characters"
    elif low is not None:
        yield "not empty" if low == 1 else f"at least {low} characters"
