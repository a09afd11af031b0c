"""What happens to a thing between two statements of one request: each answer is true of some moment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast
from uuid import UUID

import pytest
from fastapi import FastAPI

from monocoque.database import Executor, Transaction
from monocoque.problems import Problem
from monocoque.queries import Query
from monocoque_build_lists import item_service, service
from monocoque_build_lists import queries as list_queries
from monocoque_build_lists.schemas import BuildListPatch, BuildListWrite, ItemPatch
from monocoque_cars import queries as car_queries
from monocoque_cars.schemas import CarPatch, CarWrite
from monocoque_cars.service import delete_car, merge_car, replace_car
from monocoque_media import tag_service
from monocoque_media.queries import tags as tag_queries
from monocoque_menus import arranging_service, course_service
from monocoque_menus import item_service as entry_service
from monocoque_menus import service as menu_service
from monocoque_menus.links import links_of
from monocoque_menus.queries import courses as course_queries
from monocoque_menus.queries import items as entry_queries
from monocoque_menus.queries import menus as menu_queries
from monocoque_menus.schemas import CoursePatch, MenuOrder, MenuPatch, MoveWrite
from monocoque_menus.schemas import ItemPatch as EntryPatch
from monocoque_parts import queries as part_queries
from monocoque_parts.schemas import PartPatch, PartWrite
from monocoque_parts.service import delete_part, merge_part, replace_part
from tests.modules.resources import CARS, PARTS
from tests.support import Person, problem

Change = Callable[[Executor, list[int] | None], Awaitable[object]]


class Blinking:
    """The database, but the statements named see nothing: as if all had been deleted then, and restored at once."""

    def __init__(self, executor: Executor, *blind: Query) -> None:
        self._executor = executor
        self._blind = blind

    async def first(self, query: Query, **parameters: Any) -> Any:
        return None if query in self._blind else await self._executor.first(query, **parameters)

    async def transact(self, action: Callable[[Transaction], Awaitable[Any]]) -> Any:
        return await self._executor.transact(
            lambda transaction: action(cast("Transaction", Blinking(transaction, *self._blind)))
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._executor, name)


async def check(app: FastAPI, not_found: str, changes: dict[Query, Change]) -> None:
    database = app.state.runtime.database
    for blind, change in changes.items():
        executor = cast("Executor", Blinking(database, blind))
        with pytest.raises(Problem) as refused:
            await change(executor, None)
        assert refused.value.code.code == not_found
        with pytest.raises(Problem) as refused:
            await change(executor, [7])
        assert refused.value.code.code == "request.stale"


async def test_a_car_that_was_away_for_a_moment_is_not_stale_to_who_expected_no_version(
    owner: Person, app: FastAPI
) -> None:
    me, car_id = cast("UUID", owner.id), UUID((await CARS.create(owner))["id"])
    car, patch = CarWrite(**CARS.least), CarPatch(nickname="x")
    changes: dict[Query, Change] = {
        car_queries.REPLACE: lambda db, versions: replace_car(db, me, car_id, car, versions),
        car_queries.MERGE: lambda db, versions: merge_car(db, me, car_id, patch, versions),
        car_queries.DELETE: lambda db, versions: delete_car(db, me, car_id, versions),
    }
    await check(app, "cars.not_found", changes)


async def test_a_part_that_was_away_for_a_moment_is_not_stale_to_who_expected_no_version(
    owner: Person, app: FastAPI
) -> None:
    me, part_id = cast("UUID", owner.id), UUID((await PARTS.create(owner))["id"])
    part, patch = PartWrite(**PARTS.least), PartPatch(brand="x")
    changes: dict[Query, Change] = {
        part_queries.REPLACE: lambda db, versions: replace_part(db, me, part_id, part, versions),
        part_queries.MERGE: lambda db, versions: merge_part(db, me, part_id, patch, versions),
        part_queries.DELETE: lambda db, versions: delete_part(db, me, part_id, versions),
    }
    await check(app, "parts.not_found", changes)


async def test_a_list_that_was_away_for_a_moment_is_not_stale_to_who_expected_no_version(
    owner: Person, app: FastAPI
) -> None:
    me, car_id = cast("UUID", owner.id), UUID((await CARS.create(owner))["id"])
    made = await owner.post("/build-lists", json={"name": "Track day", "car_id": str(car_id)})
    list_id = UUID(made.json()["id"])
    item = await owner.post(f"/build-lists/{list_id}/items", json={"name": "Fluid"})
    item_id = UUID(item.json()["id"])
    whole, patch, item_patch = BuildListWrite(name="x", car_id=car_id), BuildListPatch(name="x"), ItemPatch(quantity=2)
    of_the_list: dict[Query, Change] = {
        list_queries.REPLACE: lambda db, versions: service.replace_build_list(db, me, list_id, whole, versions),
        list_queries.MERGE: lambda db, versions: service.merge_build_list(db, me, list_id, patch, versions),
        list_queries.DELETE: lambda db, versions: service.delete_build_list(db, me, list_id, versions),
        list_queries.TOUCH: lambda db, versions: item_service.order_items(db, me, list_id, [item_id], versions),
    }
    await check(app, "build_lists.not_found", of_the_list)
    of_the_item: dict[Query, Change] = {
        list_queries.MERGE_ITEM: lambda db, versions: item_service.merge_item(
            db, me, list_id, item_id, item_patch, versions
        ),
        list_queries.DELETE_ITEM: lambda db, versions: item_service.delete_item(db, me, list_id, item_id, versions),
    }
    await check(app, "build_lists.item_not_found", of_the_item)
    # The version that an item's change expects is the item's; the list below which it was looked for is just missing.
    for versions in (None, [7]):
        executor = cast("Executor", Blinking(app.state.runtime.database, list_queries.TOUCH))
        with pytest.raises(Problem) as refused:
            await item_service.merge_item(executor, me, list_id, item_id, item_patch, versions)
        assert refused.value.code.code == "build_lists.not_found"


async def test_a_menu_that_was_away_for_a_moment_is_not_stale_to_who_expected_no_version(
    owner: Person, app: FastAPI
) -> None:
    me, links = cast("UUID", owner.id), links_of(app.state.runtime, "http://monocoque.test")
    book = (await owner.post("/media/items", json={"media_type": "book", "title": "Solaris"})).json()["id"]
    menu_id = UUID((await owner.post("/menus", json={"title": "Sundays"})).json()["id"])
    courses = f"/menus/{menu_id}/courses"
    course_id = UUID((await owner.post(courses, json={"title": "First"})).json()["id"])
    item = await owner.post(f"{courses}/{course_id}/items", json={"media_item_id": book})
    item_id = UUID(item.json()["id"])
    order = MenuOrder.model_validate({"courses": [{"id": course_id, "items": [item_id]}]})
    move, title = MoveWrite(course_id=course_id, before=None), MenuPatch(title="x")
    of_the_menu: dict[Query, Change] = {
        menu_queries.MERGE: lambda db, versions: menu_service.merge_menu(db, me, menu_id, title, versions),
        menu_queries.DELETE: lambda db, versions: menu_service.delete_menu(db, me, menu_id, versions),
        menu_queries.SET_LINK: lambda db, versions: menu_service.renew_link(db, me, menu_id, links, versions),
        menu_queries.TOUCH: lambda db, versions: arranging_service.order_menu(db, me, menu_id, order, versions),
    }
    await check(app, "menus.not_found", of_the_menu)
    of_a_step: dict[Query, Change] = {
        menu_queries.TOUCH: lambda db, versions: arranging_service.move_item(db, me, item_id, move, versions)
    }
    await check(app, "menus.not_found", of_a_step)
    of_the_course: dict[Query, Change] = {
        course_queries.MERGE: lambda db, versions: course_service.merge_course(
            db, me, menu_id, course_id, CoursePatch(title="x"), versions
        ),
        course_queries.DELETE: lambda db, versions: course_service.delete_course(db, me, menu_id, course_id, versions),
    }
    await check(app, "menus.course_not_found", of_the_course)
    of_the_entry: dict[Query, Change] = {
        entry_queries.MERGE: lambda db, versions: entry_service.merge_item(
            db, me, menu_id, course_id, item_id, EntryPatch(notes="x"), versions
        ),
        entry_queries.DELETE: lambda db, versions: entry_service.delete_item(
            db, me, menu_id, course_id, item_id, versions
        ),
    }
    await check(app, "menus.item_not_found", of_the_entry)


async def test_a_tag_that_was_away_for_a_moment_is_not_stale_to_who_expected_no_version(
    owner: Person, app: FastAPI
) -> None:
    me = cast("UUID", owner.id)
    tag_id = UUID((await owner.post("/media/tags", json={"name": "To lend"})).json()["id"])
    changes: dict[Query, Change] = {
        tag_queries.RENAME: lambda db, versions: tag_service.rename_tag(db, me, tag_id, "Lent", versions),
        tag_queries.DELETE: lambda db, versions: tag_service.delete_tag(db, me, tag_id, versions),
    }
    await check(app, "media.tag_not_found", changes)


async def test_an_account_that_goes_while_it_starts_a_list_is_signed_out(
    owner: Person, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object) -> None:
        async with app.state.runtime.database.connection() as connection:
            await connection.execute("DELETE FROM monocoque_auth.users WHERE id = $1", owner.id)

    body = {"name": "Track day", "car_id": (await CARS.create(owner))["id"]}
    monkeypatch.setattr(service, "_check_car", gone)
    problem(await owner.post("/build-lists", json=body), 401, "auth.unauthenticated")
