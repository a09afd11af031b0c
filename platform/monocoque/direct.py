"""A dependency's direct form: what the compiled lane calls in place of the dependency's own signature."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import Scope

DirectForm = Callable[[Scope], Awaitable[Any]]
_FORMS: dict[Any, DirectForm] = {}


def direct[F: Callable[..., Any]](form: DirectForm) -> Callable[[F], F]:
    """Declare that `form(scope)` gives exactly what the decorated dependency gives, without its parameters."""

    def register(dependency: F) -> F:
        _FORMS[dependency] = form
        return dependency

    return register


def direct_form(dependency: Any) -> DirectForm | None:
    """The direct form of a dependency, if it has one."""
    try:
        return _FORMS.get(dependency)
    except TypeError:
        return None
