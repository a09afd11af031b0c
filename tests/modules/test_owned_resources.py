"""What a person owns: made, read, replaced, changed, put aside and brought back; and nobody else's business."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI

from monocoque.jobs import jobs_of, run_job
from tests.modules.resources import Resource, each_resource, is_newer, same
from tests.support import Person, problem

pytestmark = each_resource

BY_ID = [("GET", ""), ("PUT", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/restore")]


def body_for(resource: Resource, method: str) -> dict[str, object] | None:
    return {"PUT": resource.whole(), "PATCH": resource.change}.get(method)


async def test_what_was_created_is_what_is_read(resource: Resource, owner: Person) -> None:
    given = resource.whole()
    reply = await owner.post(resource.path, json=given)
    assert reply.status_code == 201
    made = resource.read(reply)
    assert same(given, made)
    assert made["version"] == 1
    assert made["created_at"] == made["updated_at"]
    assert UUID(made["id"]).version == 7
    assert reply.headers["location"] == f"/api/v1{resource.at(made['id'])}"
    again = await owner.client.get(reply.headers["location"].removeprefix("/api/v1"), headers=owner.headers)
    assert again.status_code == 200
    assert again.headers["etag"] == reply.headers["etag"] == '"1"'
    assert resource.read(again) == made
    assert resource.read_page(await owner.get(resource.path)) == [made]


async def test_what_is_left_out_at_creation_is_empty(resource: Resource, owner: Person) -> None:
    made = await resource.create(owner)
    assert same(resource.least, made)
    assert {made[name] for name in resource.optional} == {None}


async def test_each_required_field_is_asked_for_by_its_pointer(resource: Resource, owner: Person) -> None:
    document = problem(await owner.post(resource.path, json={}), 422, "request.invalid")
    assert {error["pointer"] for error in document["errors"]} == {f"#/{name}" for name in resource.least}
    assert {error["code"] for error in document["errors"]} == {"missing"}
    assert await resource.listed(owner) == []


async def test_put_replaces_and_clears_what_is_left_out(resource: Resource, owner: Person) -> None:
    made = await resource.create(owner, **resource.whole())
    reply = await owner.put(resource.at(made["id"]), json=resource.least)
    assert reply.status_code == 200
    replaced = resource.read(reply)
    assert same(resource.least, replaced)
    assert {replaced[name] for name in resource.optional} == {None}
    assert is_newer(made, replaced)
    assert reply.headers["etag"] == f'"{replaced["version"]}"'
    assert resource.read(await owner.get(resource.at(made["id"]))) == replaced


async def test_put_needs_the_required_fields(resource: Resource, owner: Person) -> None:
    made = await resource.create(owner, **resource.whole())
    problem(await owner.put(resource.at(made["id"]), json={}), 422, "request.invalid")
    assert resource.read(await owner.get(resource.at(made["id"]))) == made


async def test_patch_sets_what_is_sent_and_leaves_the_rest(resource: Resource, owner: Person) -> None:
    made = await resource.create(owner, **resource.whole())
    reply = await owner.patch(resource.at(made["id"]), json=resource.change)
    assert reply.status_code == 200
    changed = resource.read(reply)
    assert same(resource.change, changed)
    assert is_newer(made, changed)
    untouched = resource.whole().keys() - resource.change.keys()
    assert untouched
    assert {name: changed[name] for name in untouched} == {name: made[name] for name in untouched}
    assert resource.read(await owner.get(resource.at(made["id"]))) == changed


async def test_patch_with_nothing_in_it_changes_no_field(resource: Resource, owner: Person) -> None:
    made = await resource.create(owner, **resource.whole())
    changed = resource.read(await owner.patch(resource.at(made["id"]), json={}))
    assert {name: changed[name] for name in resource.whole()} == {name: made[name] for name in resource.whole()}


async def test_patch_clears_each_optional_field_with_null(resource: Resource, owner: Person) -> None:
    made = await resource.create(owner, **resource.whole())
    reply = await owner.patch(resource.at(made["id"]), json=dict.fromkeys(resource.optional))
    cleared = resource.read(reply)
    assert {cleared[name] for name in resource.optional} == {None}
    assert {name: cleared[name] for name in resource.least} == {name: made[name] for name in resource.least}


async def test_patch_refuses_null_for_a_required_field(resource: Resource, owner: Person) -> None:
    made = await resource.create(owner, **resource.whole())
    for name in resource.least:
        document = problem(await owner.patch(resource.at(made["id"]), json={name: None}), 422, "request.invalid")
        assert [error["pointer"] for error in document["errors"]] == [f"#/{name}"]
    assert resource.read(await owner.get(resource.at(made["id"]))) == made


async def test_a_deleted_one_is_gone_until_it_is_restored(resource: Resource, owner: Person) -> None:
    made = await resource.create(owner, **resource.whole())
    reply = await owner.delete(resource.at(made["id"]))
    assert (reply.status_code, reply.content) == (204, b"")
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        gone = await owner.call(method, resource.at(made["id"]), json=body_for(resource, method))
        problem(gone, 404, resource.not_found)
    assert await resource.listed(owner) == []
    assert await resource.listed(owner, deleted=True) == [made["id"]]
    restored = resource.read(await owner.post(f"{resource.at(made['id'])}/restore"))
    assert {name: restored[name] for name in resource.whole()} == {name: made[name] for name in resource.whole()}
    assert is_newer(made, restored)
    assert await resource.listed(owner) == [made["id"]]
    assert await resource.listed(owner, deleted=True) == []


async def test_restoring_a_living_one_gives_it_as_it_is(resource: Resource, owner: Person) -> None:
    made = await resource.create(owner, **resource.whole())
    reply = await owner.post(f"{resource.at(made['id'])}/restore")
    assert reply.status_code == 200
    assert resource.read(reply) == made


async def test_someone_elses_is_not_there_whatever_the_verb(
    resource: Resource, owner: Person, stranger: Person
) -> None:
    made = await resource.create(owner, **resource.whole())
    deleted = await resource.create(owner)
    await owner.delete(resource.at(deleted["id"]))
    for one in (made, deleted):
        for method, suffix in BY_ID:
            for headers in ({}, {"If-Match": "*"}, {"If-Match": '"1"'}, {"If-Match": '"99"'}, {"If-None-Match": "*"}):
                path = resource.at(one["id"]) + suffix
                reply = await stranger.call(method, path, json=body_for(resource, method), headers=headers)
                problem(reply, 404, resource.not_found)
    assert await resource.listed(stranger) == []
    assert await resource.listed(stranger, deleted=True) == []
    assert resource.read(await owner.get(resource.at(made["id"]))) == made
    assert await resource.listed(owner, deleted=True) == [deleted["id"]]


async def test_what_never_was_is_not_there_either(resource: Resource, owner: Person) -> None:
    for method, suffix in BY_ID:
        reply = await owner.call(method, resource.at(uuid4()) + suffix, json=body_for(resource, method))
        problem(reply, 404, resource.not_found)


async def test_without_sign_in_nothing_is_told(resource: Resource, owner: Person) -> None:
    made = await resource.create(owner)
    for method, path in (
        ("GET", resource.path),
        ("POST", resource.path),
        *((method, resource.at(made["id"]) + suffix) for method, suffix in BY_ID),
    ):
        reply = await owner.client.request(method, path, json=body_for(resource, method) or resource.whole())
        problem(reply, 401, "auth.unauthenticated")
    assert resource.read(await owner.get(resource.at(made["id"]))) == made


@pytest.mark.parametrize("header", ['"1"', 'W/"1"', "*", '"7", "1"', ' "7" , W/"1" '])
async def test_a_current_copy_is_not_sent_again(resource: Resource, owner: Person, header: str) -> None:
    made = await resource.create(owner)
    reply = await owner.get(resource.at(made["id"]), headers={"If-None-Match": header})
    assert (reply.status_code, reply.content, reply.headers["etag"]) == (304, b"", '"1"')


@pytest.mark.parametrize("header", ['"0"', 'W/"2"', '"11"', "1", "garbage", '""', ","])
async def test_another_copy_is_sent_anew(resource: Resource, owner: Person, header: str) -> None:
    made = await resource.create(owner)
    reply = await owner.get(resource.at(made["id"]), headers={"If-None-Match": header})
    assert reply.status_code == 200
    assert resource.read(reply) == made


STALE = ['"2"', '"0"', 'W/"1"', "1", "garbage", '""', '"1', '"٣"', '"99999999999999999999"', '"2", W/"1"', ","]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_change_of_another_version_is_refused(resource: Resource, owner: Person, method: str) -> None:
    made = await resource.create(owner, **resource.whole())
    for header in STALE:
        reply = await owner.client.request(
            method,
            resource.at(made["id"]),
            json=body_for(resource, method),
            headers=[(b"Authorization", owner.headers["Authorization"].encode()), (b"If-Match", header.encode())],
        )
        problem(reply, 412, "request.stale")
    assert resource.read(await owner.get(resource.at(made["id"]))) == made


@pytest.mark.parametrize("header", ['"1"', "*", " * ", '"5", "1"', 'W/"5","1"'])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_change_of_the_version_at_hand_is_made(
    resource: Resource, owner: Person, method: str, header: str
) -> None:
    made = await resource.create(owner)
    reply = await owner.call(
        method, resource.at(made["id"]), json=body_for(resource, method), headers={"If-Match": header}
    )
    assert reply.status_code == (204 if method == "DELETE" else 200)


async def test_of_two_changes_of_one_version_one_is_made(resource: Resource, owner: Person) -> None:
    made = await resource.create(owner)
    text = next(iter(resource.texts))
    replies = await asyncio.gather(
        *(
            owner.patch(resource.at(made["id"]), json={text: f"Attempt {number}"}, headers={"If-Match": '"1"'})
            for number in range(2)
        )
    )
    assert sorted(reply.status_code for reply in replies) == [200, 412]
    winner = next(reply for reply in replies if reply.status_code == 200)
    assert resource.read(await owner.get(resource.at(made["id"]))) == resource.read(winner)


async def test_the_purge_drops_only_what_was_deleted_before_the_retention(
    resource: Resource, owner: Person, app: FastAPI
) -> None:
    runtime = app.state.runtime
    old, recent, living = [(await resource.create(owner))["id"] for _ in range(3)]
    await owner.delete(resource.at(old))
    await owner.delete(resource.at(recent))
    days = runtime.settings.retention_days
    async with runtime.database.connection() as connection:
        for one, hours in ((old, days * 24 + 1), (recent, days * 24 - 1)):
            await connection.execute(
                f"UPDATE monocoque_{resource.name}.{resource.name} "
                "SET deleted_at = now() - make_interval(hours => $2) WHERE id = $1",
                UUID(one),
                hours,
            )
    job = next(job for job in jobs_of(runtime.inventory) if job.name == f"{resource.name}.purge_deleted")
    assert await run_job(runtime, job)
    assert await resource.listed(owner, deleted=True) == [recent]
    assert await resource.listed(owner) == [living]
    problem(await owner.post(f"{resource.at(old)}/restore"), 404, resource.not_found)
    assert (await owner.post(f"{resource.at(recent)}/restore")).status_code == 200
