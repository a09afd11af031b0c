"""Every endpoint in tables, one for each module, as `docs/api.md` has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from monocoque.cli.contracts.markdown import table
from monocoque.cli.contracts.operations import Operation, operations, tags
from monocoque.failures import StartupError
from monocoque.modules import load
from monocoque.problems import FORBIDDEN
from monocoque.registry import Inventory

BEGIN = "<!-- endpoints: written by make contracts -->"
END = "<!-- endpoints end -->"


def with_endpoints(text: str, document: dict[str, Any], inventory: Inventory) -> str:
    """A text with the tables of the document's endpoints between its two marks; raises StartupError without marks."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise StartupError("The text has no place for the endpoints.", hint=f"Write {BEGIN} and {END} where they go.")
    lines = "\n".join(_sections(document, inventory))
    return f"{head}{BEGIN}\n\n{lines}\n{END}{tail}"


def _sections(document: dict[str, Any], inventory: Inventory) -> Iterator[str]:
    known = list(operations(document))
    pages = {module.slug: list(_pages(module.pages)) for module in inventory.enabled}
    for tag, description in tags(document):
        yield f"### {tag}"
        yield ""
        if description:
            yield description
            yield ""
        own = sorted((found for found in known if found.tag == tag), key=lambda found: found.path)
        rows = [(one.method.upper(), f"`{one.path}`", one.summary, caller(one)) for one in own]
        yield from table(("method", "path", "what it does", "who"), [*rows, *pages.get(tag, ())])
        yield ""


def caller(operation: Operation) -> str:
    """Who may call it, as far as the document tells."""
    if not operation.needs_sign_in:
        return "anyone"
    if FORBIDDEN.code in operation.codes:
        return "administrators"
    if any(code.endswith(".not_yours") for code in operation.codes):
        return "who made it, administrators"
    return "signed in"


def _pages(places: Any) -> Iterator[tuple[str, str, str, str]]:
    for path, reference in places.items():
        for route in load(reference).routes:
            words = (route.summary or route.description).partition("\n")[0]
            yield "GET", f"`{path}{route.path}`", f"{words}, as a page", "anyone"
