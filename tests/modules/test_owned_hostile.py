"""Bodies and addresses that nobody honest sends: a 4xx that says where and what, and nothing half-written."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI

from monocoque.errors import backstop_hits
from tests.modules.resources import Resource, each_resource
from tests.support import Person, problem

pytestmark = each_resource

TEXT_FAULTS = (
    "true",
    "1",
    "1.5",
    "[]",
    "{}",
    '["text"]',
    "NaN",
    "Infinity",
    "1e400",
    str(10**30),
    '""',
    '"   "',
    '"a\\u0000b"',
    '"\\u0007"',
    '"\\u009f"',
    '"\\ud800"',
    '"\\udfff x"',
    '"\\udc00\\ud800"',
    '"\ud800"',
    json.dumps("x" * 100_000),
)
WRITES = ("POST", "PUT", "PATCH")
each_write = pytest.mark.parametrize("method", WRITES)


@pytest.fixture(autouse=True)
def nothing_is_left_to_the_database(app: FastAPI) -> Iterator[None]:
    """Each of these is to be stopped before PostgreSQL sees it."""
    before = backstop_hits.total()
    yield
    assert backstop_hits.total() == before, backstop_hits


class Target:
    """One resource of one person, to be fired at and found unharmed."""

    def __init__(self, resource: Resource, person: Person, made: dict[str, Any]) -> None:
        self.resource = resource
        self.person = person
        self.made = made

    async def fire(
        self, method: str, content: bytes, content_type: str | None = "application/json", **headers: str
    ) -> Any:
        path = self.resource.path if method == "POST" else self.resource.at(self.made["id"])
        if content_type is not None:
            headers["Content-Type"] = content_type
        return await self.person.call(method, path, content=content, headers=headers)

    async def is_unharmed(self) -> bool:
        return self.resource.read_page(await self.person.get(self.resource.path)) == [self.made]


@pytest.fixture
async def target(resource: Resource, owner: Person) -> Target:
    return Target(resource, owner, await resource.create(owner, **resource.whole()))


def with_literal(resource: Resource, name: str, literal: str) -> bytes:
    """A body in which one field holds this JSON literal and the required others are as they should be."""
    others = {key: value for key, value in resource.least.items() if key != name}
    return (json.dumps(others)[:-1] + (", " if others else "") + f'"{name}": {literal}}}').encode(
        "utf-8", "surrogatepass"
    )


@each_write
async def test_a_text_takes_nothing_but_sound_text(resource: Resource, target: Target, method: str) -> None:
    for name in resource.texts:
        for literal in TEXT_FAULTS:
            document = problem(await target.fire(method, with_literal(resource, name, literal)), 422, "request.invalid")
            assert [error["pointer"] for error in document["errors"]] == [f"#/{name}"], literal[:40]
            assert all(error["code"] and error["detail"] for error in document["errors"])
    assert await target.is_unharmed()


@each_write
async def test_a_text_has_a_longest_length(resource: Resource, target: Target, method: str) -> None:
    for name, length in resource.texts.items():
        reply = await target.fire(method, with_literal(resource, name, json.dumps("ä" * (length + 1))))
        document = problem(reply, 422, "request.invalid")
        assert [error["pointer"] for error in document["errors"]] == [f"#/{name}"]
    assert await target.is_unharmed()
    longest = {name: "ä" * length for name, length in resource.texts.items()}
    reply = await target.fire(method, json.dumps({**resource.least, **longest}).encode())
    assert reply.status_code in {200, 201}
    assert {name: resource.read(reply)[name] for name in longest} == longest


@each_write
async def test_a_field_of_another_kind_takes_its_own_kind_only(resource: Resource, target: Target, method: str) -> None:
    for name, literals in resource.hostile.items():
        for literal in literals:
            document = problem(await target.fire(method, with_literal(resource, name, literal)), 422, "request.invalid")
            for error in document["errors"]:
                assert error["pointer"] == f"#/{name}" or error["pointer"].startswith(f"#/{name}/"), literal
                assert error["code"]
    assert await target.is_unharmed()


@each_write
async def test_unknown_members_are_refused_by_name(resource: Resource, target: Target, method: str) -> None:
    for name in ("unknown", "id", "owner_id", "version", "created_at", "deleted_at", "a/b~c", "Make", "x" * 1000):
        reply = await target.fire(method, with_literal(resource, name, "null"))
        document = problem(reply, 422, "request.invalid")
        shown = name.replace("~", "~0").replace("/", "~1")[:100]
        assert [(error["pointer"], error["code"]) for error in document["errors"]] == [
            (f"#/{shown}", "extra_forbidden")
        ]
    for name in ("\\ud800", "\\u0000", "\ud800"):
        reply = await target.fire(method, with_literal(resource, name, "null"))
        [error] = problem(reply, 422, "request.invalid")["errors"]
        assert error["pointer"].startswith("#")
        assert error["code"]
    assert await target.is_unharmed()


@each_write
async def test_the_problem_never_repeats_what_was_sent(resource: Resource, target: Target, method: str) -> None:
    secret = "hunter2-hunter2"
    for name in (*resource.texts, *resource.hostile):
        for literal in (json.dumps([secret]), json.dumps({secret: secret}) if name in resource.texts else '["x"]'):
            reply = await target.fire(method, with_literal(resource, name, literal))
            assert reply.status_code == 422
            assert secret not in reply.text


def deep(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


NO_OBJECTS = {
    "empty": b"",
    "blank": b"  ",
    "null": b"null",
    "array": b"[]",
    "array of an object": b'[{"name": "x"}]',
    "text": b'"text"',
    "number": b"1",
    "true": b"true",
    "NaN": b"NaN",
    "deep arrays": deep(100_000),
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "cut short": b'{"name": "x"',
    "trailing comma": b'{"name": "x",}',
    "single quotes": b"{'name': 'x'}",
    "two documents": b"{} {}",
    "NUL": b"\x00",
    "byte order mark": b"\xef\xbb\xbf{}x",
    "malformed UTF-8": b'{"name": "\xff\xfe", "make": "\xc3\x28"}',
    "gzip": gzip.compress(b'{"name": "x"}'),
    "a number of 5,000 digits": b'{"name": ' + b"9" * 5000 + b"}",
}


@each_write
async def test_a_body_that_is_no_object_is_refused(resource: Resource, target: Target, method: str) -> None:
    for kind, content in NO_OBJECTS.items():
        reply = await target.fire(method, content)
        document = problem(reply, 422, "request.invalid")
        assert [error["pointer"] for error in document["errors"]] == ["#"], kind
        assert all(error["code"] and error["detail"] for error in document["errors"])
    assert await target.is_unharmed()


@each_write
@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "json",
    ],
)
async def test_a_body_that_is_not_said_to_be_json_is_refused(
    resource: Resource, target: Target, method: str, content_type: str | None
) -> None:
    reply = await target.fire(method, json.dumps(resource.least).encode(), content_type)
    problem(reply, 415, "request.unsupported_media_type")
    assert await target.is_unharmed()


@each_write
async def test_a_compressed_body_is_not_taken_for_another(resource: Resource, target: Target, method: str) -> None:
    content = gzip.compress(json.dumps(resource.least).encode())
    reply = await target.fire(method, content, **{"Content-Encoding": "gzip"})
    assert reply.status_code in {400, 415, 422}
    problem(reply, reply.status_code, reply.json()["code"])
    assert await target.is_unharmed()


@each_write
async def test_a_body_over_the_limit_is_refused(resource: Resource, target: Target, method: str) -> None:
    huge = with_literal(resource, "notes", json.dumps("x" * 1_100_000))
    problem(await target.fire(method, huge), 413, "request.too_large")
    assert await target.is_unharmed()


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "RESTORE"])
@pytest.mark.parametrize(
    "garbage", ["1", "none", "0198c5a0-f1a2-7c8e-9d3b-5f6a7b8c9d0", "%00", "%ed%a0%80", "'--", "x" * 2000, "{id}"]
)
async def test_an_id_that_is_none_is_refused(resource: Resource, target: Target, method: str, garbage: str) -> None:
    verb, suffix = ("POST", "/restore") if method == "RESTORE" else (method, "")
    body = {"PUT": resource.least, "PATCH": {}}.get(method)
    reply = await target.person.call(verb, resource.at(garbage) + suffix, json=body)
    document = problem(reply, 422, "request.invalid")
    assert [error["pointer"] for error in document["errors"]] == [f"path/{resource.name[:-1]}_id"]
    assert await target.is_unharmed()


async def test_other_methods_are_not_allowed(resource: Resource, target: Target) -> None:
    one = resource.at(target.made["id"])
    for method, path, allowed in (
        ("PUT", resource.path, {"GET", "HEAD", "POST"}),
        ("PATCH", resource.path, {"GET", "HEAD", "POST"}),
        ("DELETE", resource.path, {"GET", "HEAD", "POST"}),
        ("POST", one, {"DELETE", "GET", "HEAD", "PATCH", "PUT"}),
        ("GET", f"{one}/restore", {"POST"}),
    ):
        reply = await target.person.call(method, path, json={})
        problem(reply, 405, "request.method_not_allowed")
        assert set(reply.headers["allow"].split(", ")) == allowed
    assert await target.is_unharmed()


@each_write
async def test_every_fault_of_a_body_is_named_at_once(resource: Resource, target: Target, method: str) -> None:
    content = json.dumps({**dict.fromkeys(resource.texts, 1), "unknown": 1}).encode()
    document = problem(await target.fire(method, content), 422, "request.invalid")
    wanted = {f"#/{name}" for name in (*resource.texts, "unknown")}
    assert wanted <= {error["pointer"] for error in document["errors"]}
    assert await target.is_unharmed()


async def test_an_if_match_beyond_measure_is_refused(resource: Resource, target: Target) -> None:
    headers = {"If-Match": ", ".join(['"1"'] * 400)}
    reply = await target.person.delete(resource.at(target.made["id"]), headers=headers)
    document = problem(reply, 422, "request.invalid")
    assert [error["pointer"] for error in document["errors"]] == ["header/If-Match"]
    assert await target.is_unharmed()
