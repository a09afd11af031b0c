"""A run through all operations: what is sent, in which order, and what is kept from the replies for later requests.

The OpenAPI document tells most of it. What it cannot tell (the values of a body that fit together, an order other than
create, read, change, delete, an answer that is no success) a plan tells, such as `contracts/walkthrough.toml`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from monocoque.cli.contracts.operations import METHODS, Operation, operations, tags
from monocoque.failures import StartupError

_VARIABLE = re.compile(r"\{\{(\w+)\}\}")
_HERE = "/"
_PARAMETER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A header or part of a query, sent unless it is optional."""

    name: str
    value: str
    description: str
    sent: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One request of the run. Texts may hold variables, such as `{{carId}}`."""

    operation: Operation
    path: str
    query: list[Parameter]
    headers: list[Parameter]
    body_type: str | None
    body: Any
    """JSON, the members of a form, or text as it is sent."""
    statuses: list[int]
    keep: dict[str, str]
    """Variables that it sets, each from a place in the reply's body, such as `items.0.id`."""

    @property
    def name(self) -> str:
        return self.operation.summary

    @property
    def needs(self) -> set[str]:
        """The variables that it sends."""
        return set(_VARIABLE.findall(f"{self.path} {json.dumps(self.body)} {[one.value for one in self.query]}"))


@dataclass(frozen=True, slots=True)
class Folder:
    """The steps of one module."""

    name: str
    description: str
    steps: list[Step]


@dataclass(frozen=True)
class Walkthrough:
    """The whole run."""

    title: str
    description: str
    variables: dict[str, str]
    folders: list[Folder]

    @property
    def steps(self) -> Iterator[Step]:
        for folder in self.folders:
            yield from folder.steps


@dataclass
class _Planner:
    document: dict[str, Any]
    plan: dict[str, Any]
    known: list[Operation] = field(init=False)

    def __post_init__(self) -> None:
        self.known = list(operations(self.document))
        ids = {operation.id for operation in self.known}
        named = {*self.plan.get("steps", {}), *self.plan.get("first", ()), *self.plan.get("last", ())}
        if not named <= ids:
            raise StartupError(
                "The plan names operations that the document does not have.",
                *sorted(named - ids),
                hint="Put the plan right.",
            )

    @cached_property
    def variables(self) -> dict[str, str]:
        """What a collection's id is kept as, by the path of the single resource: `/api/v1/cars/{car_id}`: carId."""
        creating = {operation.path for operation in self.known if operation.creates()}
        single = {
            operation.path: operation.tag
            for operation in self.known
            if operation.path.endswith("}") and operation.path.rpartition("/")[0] in creating
        }
        names = [_last_parameter(path) for path in single]
        return {
            path: _camel(name if names.count(name) == 1 else f"{tag}_{name}")
            for (path, tag), name in zip(single.items(), names, strict=True)
        }

    def variable(self, operation: Operation, upto: str) -> str:
        """The variable for the parameter with which this beginning of a path ends."""
        if upto in self.variables:
            return self.variables[upto]
        name = _last_parameter(upto)
        same = {variable for path, variable in self.variables.items() if _last_parameter(path) == name}
        own = _camel(f"{operation.tag}_{name}")
        return own if own in same else same.pop() if len(same) == 1 else _camel(name)

    def step(self, operation: Operation) -> Step:
        told = self.plan.get("steps", {}).get(operation.id, {})
        keep = dict(told.get("keep", {}))
        single = next((path for path in self.variables if path.rpartition("/")[0] == operation.path), None)
        if single and operation.creates():
            keep = {self.variables[single]: "id", **keep}
        return Step(
            operation,
            path=self._path(operation, told.get("path", {})),
            query=list(_given(operation, "query", told.get("query", {}))),
            headers=list(_given(operation, "header", told.get("headers", {}))),
            body_type=told.get("type", operation.body_type),
            body=self._body(operation, told),
            statuses=told.get("expect", operation.success),
            keep=keep,
        )

    def _path(self, operation: Operation, values: dict[str, str]) -> str:
        def value(match: re.Match[str]) -> str:
            given = values.get(match[1])
            return given if given is not None else f"{{{{{self.variable(operation, operation.path[: match.end()])}}}}}"

        return _PARAMETER.sub(value, operation.path)

    def _body(self, operation: Operation, told: dict[str, Any]) -> Any:
        if isinstance(told.get("body"), str):
            # TOML has no null.
            return json.loads(told["body"]) if operation.body_type == "application/json" else told["body"]
        if operation.body_type is None:
            return None
        shown = operation.body
        if not isinstance(shown, dict):
            return shown
        plain = set(self.variables.values())
        shown = {name: f"{{{{{_camel(name)}}}}}" if _camel(name) in plain else value for name, value in shown.items()}
        return {**({} if told.get("only") else shown), **told.get("body", {})}

    def ends(self, step: Step) -> set[str]:
        """The variables that mean nothing any more after a step, because what they name is gone for good."""
        path = step.operation.path
        if step.operation.method != "delete" or any(found.path == f"{path}/restore" for found in self.known):
            return set()
        given = self.plan.get("steps", {})
        made_here = [found.id for found in self.known if found.path == path and found.method in {"post", "put"}]
        kept = {name for made in made_here for name in given.get(made, {}).get("keep", {})}
        return kept | ({self.variables[path]} if path in self.variables else set())

    def walkthrough(self) -> Walkthrough:
        first, last = self.plan.get("first", []), self.plan.get("last", [])
        by_id = {operation.id: operation for operation in self.known}
        folders = []
        for tag, description in tags(self.document):
            own = [found for found in self.known if found.tag == tag and found.id not in {*first, *last}]
            steps = [self.step(by_id[name]) for name in first if by_id[name].tag == tag]
            folders.append(Folder(tag, description, [*steps, *self._ordered([self.step(one) for one in _walk(own)])]))
        if last:
            ending = [self.step(by_id[name]) for name in last]
            folders.append(Folder("the end", "What ends sessions and the account.", ending))
        info = self.document["info"]
        variables = dict(self.plan.get("variables", {}))
        for name in (name for folder in folders for step in folder.steps for name in step.keep):
            variables.setdefault(name, "")
        return Walkthrough(info["title"], info["description"], variables, folders)

    def _ordered(self, steps: list[Step]) -> Iterator[Step]:
        """The steps, each after those that give it what it sends, and before those that take it away."""
        waiting = list(steps)
        while waiting:
            given = {name for step in waiting for name in step.keep}
            ready = (
                step
                for step in waiting
                if not (step.needs & given - step.keep.keys())
                and not any(self.ends(step) & other.needs for other in waiting if other is not step)
            )
            step = next(ready, waiting[0])
            waiting.remove(step)
            yield step


def walkthrough(document: dict[str, Any], plan: dict[str, Any]) -> Walkthrough:
    """A run through all operations of a document; raises StartupError for a plan that does not fit."""
    return _Planner(document, plan).walkthrough()


def _last_parameter(path: str) -> str:
    found: str = _PARAMETER.findall(path)[-1]
    return found


def _camel(name: str) -> str:
    head, *rest = re.split(r"[_-]", name)
    return head + "".join(part.title() for part in rest)


def _given(operation: Operation, place: str, values: dict[str, str]) -> Iterator[Parameter]:
    for parameter in operation.parameters:
        if parameter["in"] == place:
            name = parameter["name"]
            example = values.get(name, operation.example(parameter["schema"]))
            text = example if isinstance(example, str) else "" if example is None else json.dumps(example)
            yield Parameter(name, text, parameter.get("description", ""), parameter["required"] or name in values)


def _walk(own: list[Operation]) -> Iterator[Operation]:
    """The operations of a module as one would try them: create, read, change, what is below, delete, restore."""
    tree: dict[str, Any] = {}
    for operation in own:
        node = tree
        for segment in operation.path.split("/")[1:]:
            node = node.setdefault(segment, {})
        node.setdefault(_HERE, {})[operation.method] = operation
    yield from _visit(tree)


def _visit(node: dict[str, Any]) -> Iterator[Operation]:
    here = node.get(_HERE, {})
    below = {segment: child for segment, child in node.items() if segment != _HERE}
    restore = below.pop("restore", {})
    # What is put in a place that has no id of its own is not there before.
    order = METHODS if any(segment.startswith("{") for segment in below) or "patch" in here else ("put", *METHODS)
    for method in dict.fromkeys(order):
        if method in here and method != "delete":
            yield here[method]
    for _, child in sorted(below.items(), key=lambda found: (not found[0].startswith("{"), found[0])):
        yield from _visit(child)
    if "delete" in here:
        yield here["delete"]
    yield from _visit(restore) if restore else ()
