"""Metadata comes back as it was sent, and whatever a source or an earlier version left there can be edited."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI

from monocoque_media.contracts import BookDetails, NormalisedItem
from monocoque_media.keeping_service import upsert
from monocoque_media.schemas.values import MAX_KEPT_METADATA, MAX_METADATA
from tests.modules.media.catalogue import enter, make_admin
from tests.modules.media.test_imports import counts, send
from tests.support import Person, problem, sign_up

LARGE = {f"genre-{number}": "x" * 190 for number in range(70)}


async def test_numbers_come_back_as_they_were_sent(owner: Person) -> None:
    sent = {"large": 2**63 - 1, "round": 9.2e18, "exact": 1e15, "small": 1e-100, "precise": 0.1 + 0.2, "nought": 0.0}
    made = await enter(owner, metadata=sent)
    assert made["metadata"] == sent
    changed = await owner.patch(f"/media/items/{made['id']}", json={"metadata": {"more": -1.5e-7}})
    assert changed.json()["metadata"] == {**sent, "more": -1.5e-7}


@pytest.mark.parametrize("metadata", ['{"x": 1e300}', '{"x": 1e19}', '{"x": -1e19}', '{"x": 1e-300}'])
async def test_numbers_that_are_there_already_hold_nothing_up(owner: Person, app: FastAPI, metadata: str) -> None:
    made = await enter(owner)
    path = f"/media/items/{made['id']}"
    async with app.state.runtime.database.connection() as connection:
        await connection.execute(
            f"UPDATE monocoque_media.items SET metadata = '{metadata}', version = 2 WHERE id = $1",
            made["id"],
        )
    present: dict[str, Any] = (await owner.get(path)).json()["metadata"]
    changed = await owner.patch(path, json={"metadata": {"y": 1}})
    assert changed.status_code == 200, changed.text
    assert changed.json()["metadata"] == (await owner.get(path)).json()["metadata"] == {**present, "y": 1}
    for form in ("json", "csv"):
        other = await sign_up(owner.client)
        export = await owner.get("/media/export", params={"format": form})
        assert counts(await send(other, export.content, f"x.{form}"))["imported"] == 1
        (record,) = (await other.get("/media/export")).json()["records"]
        assert record["metadata"] == {**present, "y": 1}


async def test_what_sources_told_can_be_edited_though_nobody_could_send_as_much(owner: Person, app: FastAPI) -> None:
    assert len(str(LARGE)) > MAX_METADATA
    told = NormalisedItem(
        media_type="book",
        title="Told at length",
        details=BookDetails(),
        source="made_up",
        kind="volume",
        external_id=str(owner.id),
        raw_payload={},
        metadata=LARGE,
    )
    [kept] = await upsert(app.state.runtime.database, [told])
    await make_admin(app, owner)
    path = f"/media/items/{kept.item_id}"
    changed = await owner.patch(path, json={"metadata": {"x": 1, "genre-0": None}})
    assert changed.status_code == 200, changed.text
    left = {name: value for name, value in LARGE.items() if name != "genre-0"}
    assert changed.json()["metadata"] == {**left, "x": 1}
    [error] = problem(await owner.patch(path, json={"metadata": LARGE}), 422, "request.invalid")["errors"]
    assert (error["pointer"], error["code"]) == ("#/metadata", "media.metadata_size")


async def test_metadata_does_not_grow_without_end_by_patches(owner: Person) -> None:
    path = f"/media/items/{(await enter(owner))['id']}"
    for number in range(MAX_KEPT_METADATA // 9_500):
        reply = await owner.patch(path, json={"metadata": {f"part {number}": "x" * 9_500}})
        assert reply.status_code == 200, reply.text
    reply = await owner.patch(path, json={"metadata": {"one more": "x" * 9_500}})
    [error] = problem(reply, 422, "request.invalid")["errors"]
    assert (error["pointer"], error["code"]) == ("#/metadata", "media.metadata_size")
    assert (await owner.patch(path, json={"metadata": {"part 0": None}})).status_code == 200
