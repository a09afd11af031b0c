"""The query lane: a statement is written once, at import, with SQLAlchemy expressions and compiled once for asyncpg."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import JSON, TypeDecorator

from monocoque.json import dump_text

_DIALECT = asyncpg_dialect.dialect()  # type: ignore[no-untyped-call]
_UNSET = object()


class Query:
    """A named statement with bound parameters; `sql` is what asyncpg runs, `names` its parameters in order.

    Compiled at construction, so that a mistake shows at import and a request pays nothing.
    Parameters with a value in the statement keep it unless the call gives another.
    """

    __slots__ = ("_converters", "_defaults", "_names", "_plain", "sql")

    def __init__(self, statement: ClauseElement) -> None:
        compiled = cast("SQLCompiler", statement.compile(dialect=_DIALECT))
        if compiled.insert_prefetch or compiled.update_prefetch:
            names = ", ".join(column.name for column in (*compiled.insert_prefetch, *compiled.update_prefetch))
            raise TypeError(f"give a value or a server default for {names}: a statement computes no defaults in Python")
        if compiled.post_compile_params:
            raise TypeError(
                "for a list write column == any_(parameter): what grows with each call is not compiled once"
            )
        self.sql: str = str(compiled)
        self._names: tuple[str, ...] = tuple(compiled.positiontup or ())
        binds = compiled.binds
        self._defaults: dict[str, Any] = {
            name: binds[name].effective_value for name in self._names if not binds[name].required
        }
        self._converters: dict[str, Callable[[Any], Any]] = {}
        for name in self._names:
            kind = binds[name].type
            if isinstance(kind, JSON):
                self._converters[name] = dump_text
            elif isinstance(kind, TypeDecorator):
                processor = kind.dialect_impl(_DIALECT).bind_processor(_DIALECT)
                if processor is not None:
                    self._converters[name] = processor
        self._plain = not self._converters and not self._defaults
        for name, converter in self._converters.items():
            if self._defaults.get(name) is not None:
                self._defaults[name] = converter(self._defaults[name])

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters in the order of `$1, $2, ...`."""
        return self._names

    def arguments(self, parameters: Mapping[str, Any]) -> list[Any]:
        """The positional arguments for asyncpg; raises TypeError for a missing or unknown name."""
        if self._plain:
            if len(parameters) != len(self._names):
                raise self._mismatch(parameters)
            try:
                return [parameters[name] for name in self._names]
            except KeyError:
                raise self._mismatch(parameters) from None
        arguments = []
        used = 0
        for name in self._names:
            value = parameters.get(name, _UNSET)
            if value is _UNSET:
                if name not in self._defaults:
                    raise self._mismatch(parameters)
                arguments.append(self._defaults[name])
                continue
            used += 1
            converter = self._converters.get(name)
            arguments.append(converter(value) if converter is not None and value is not None else value)
        if used != len(parameters):
            raise self._mismatch(parameters)
        return arguments

    def _mismatch(self, parameters: Mapping[str, Any]) -> TypeError:
        wanted = {name for name in self._names if name not in self._defaults}
        missing = sorted(wanted - parameters.keys())
        unknown = sorted(parameters.keys() - set(self._names))
        return TypeError(f"statement parameters: missing {missing}, unknown {unknown}")

    def __repr__(self) -> str:
        return f"Query({self.sql!r})"
