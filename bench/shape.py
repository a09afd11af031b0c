"""Whether two servers answer alike: the same keys holding the same kinds of value."""

import socket
from collections.abc import Iterator
from typing import Any

import orjson

from bench.load import HOST, Case, LoadError, reply_length

_KINDS = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}


class ShapeError(Exception):
    """The two servers do different work, so that a ratio between them would say nothing."""


def compare(case: Case, bare_port: int, monocoque_port: int) -> None:
    """Raises ShapeError, naming each place, unless both servers answer the case's first request with the same shape."""
    differences = list(differences_between(fetch(case, bare_port), fetch(case, monocoque_port)))
    if differences:
        lines = "\n".join(f"  {difference}" for difference in differences)
        raise ShapeError(
            f"{case.name}: adapt bench/statements.py or bench/baseline.py to what monocoque answers:\n{lines}"
        )


def differences_between(bare: Any, monocoque: Any, place: str = "$") -> Iterator[str]:
    """Each place where the two JSON values differ in their keys or kinds; array items are compared one by one."""
    if bare.__class__ is not monocoque.__class__:
        yield f"{place}: {_kind(monocoque)} from monocoque, {_kind(bare)} from the bare server"
    elif isinstance(bare, dict):
        for key in sorted(bare.keys() | monocoque.keys()):
            if key not in bare:
                yield f"{place}.{key}: only monocoque answers with it"
            elif key not in monocoque:
                yield f"{place}.{key}: only the bare server answers with it"
            else:
                yield from differences_between(bare[key], monocoque[key], f"{place}.{key}")
    elif isinstance(bare, list):
        if len(bare) != len(monocoque):
            yield f"{place}: {len(monocoque)} items from monocoque, {len(bare)} from the bare server"
        for index, (one, other) in enumerate(zip(bare, monocoque, strict=False)):
            yield from differences_between(one, other, f"{place}[{index}]")


def fetch(case: Case, port: int) -> Any:
    """The JSON that the case's first request is answered with; raises LoadError for another status."""
    with socket.create_connection((HOST, port), timeout=60) as connection:
        connection.sendall(case.requests[0])
        reply = b""
        while (end := reply_length(reply)) is None or len(reply) < end:
            received = connection.recv(65536)
            if not received:
                raise LoadError(f"{case.name}: the server closed the connection before its reply was complete")
            reply += received
    body = reply.partition(b"\r\n\r\n")[2]
    if int(reply[9:12]) != case.status:
        said = body[:300].decode(errors="replace")
        raise LoadError(f"{case.name}: expected {case.status}, got {int(reply[9:12])} {said}")
    return orjson.loads(body)


def _kind(value: Any) -> str:
    return "null" if value is None else _KINDS[value.__class__]
