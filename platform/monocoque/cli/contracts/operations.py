"""The OpenAPI document as a list of operations, and what its schemas show as examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

METHODS = ("post", "get", "put", "patch", "delete")


@dataclass(frozen=True)
class Operation:
    """One method at one path, as the document describes it."""

    path: str
    method: str
    described: dict[str, Any]
    schemas: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.described["operationId"])

    @property
    def tag(self) -> str:
        return str(self.described["tags"][0])

    @property
    def summary(self) -> str:
        return str(self.described["summary"])

    @property
    def description(self) -> str:
        return str(self.described.get("description", ""))

    @property
    def needs_sign_in(self) -> bool:
        return bool(self.described.get("security"))

    @cached_property
    def parameters(self) -> list[dict[str, Any]]:
        return list(self.described.get("parameters", ()))

    @cached_property
    def success(self) -> list[int]:
        """The statuses of an answer as one hopes for."""
        return [int(status) for status in self.described["responses"] if status.startswith("2")]

    @property
    def codes(self) -> set[str]:
        """The codes of the problems that it may answer."""
        replies = self.described["responses"].values()
        problems = (reply.get("content", {}).get("application/problem+json", {}) for reply in replies)
        return {code for problem in problems for code in problem.get("examples", {})}

    @property
    def body_type(self) -> str | None:
        return next(iter(self.described.get("requestBody", {}).get("content", {})), None)

    @property
    def body(self) -> Any:
        """An example of what it takes."""
        content = self.described["requestBody"]["content"][self.body_type]
        if "example" in content:
            return content["example"]
        if "examples" in content:
            return next(iter(content["examples"].values()))["value"]
        return self.example(content["schema"])

    def creates(self) -> bool:
        """Whether it adds something whose id its reply tells."""
        reply = self.described["responses"].get("201", {}).get("content", {}).get("application/json", {})
        return self.method == "post" and "id" in self._resolved(reply.get("schema", {})).get("properties", {})

    def example(self, schema: dict[str, Any]) -> Any:
        """What a schema shows, or what its required members show."""
        schema = self._resolved(schema)
        for keyword in ("example", "const", "default"):
            if keyword in schema:
                return schema[keyword]
        for keyword in ("examples", "enum"):
            if schema.get(keyword):
                return schema[keyword][0]
        if "anyOf" in schema:
            return self.example(schema["anyOf"][0])
        if "properties" in schema:
            wanted = schema.get("required", schema["properties"])
            return {name: self.example(schema["properties"][name]) for name in wanted}
        return {"string": "", "array": [], "object": {}, "boolean": False}.get(schema.get("type", ""), 0)

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = self.schemas[schema["$ref"].rpartition("/")[2]]
        return schema


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    """Every operation, in the order of the paths."""
    schemas = document.get("components", {}).get("schemas", {})
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield Operation(path, method, item[method], schemas)


def tags(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Each tag with its description: those of the shell first, then the modules as they start."""
    described = {tag["name"]: tag.get("description", "") for tag in document.get("tags", ())}
    others = sorted({operation.tag for operation in operations(document)} - described.keys())
    return [*((name, "") for name in others), *described.items()]
