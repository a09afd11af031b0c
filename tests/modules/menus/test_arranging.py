"""The order of a menu: whole or a step at a time, without gaps, and never half-done."""

from __future__ import annotations

import asyncio
import random
from typing import Any
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from monocoque_menus.arranging_service import order_errors
from monocoque_menus.schemas import MAX_COURSES, MAX_ITEMS, CourseOrder, MenuRead
from tests.support import Person, problem

from .conftest import Curator, checked

Arrangement = list[tuple[str, list[str]]]


def shuffled(arrangement: Arrangement, chance: random.Random) -> Arrangement:
    """The same courses in any order, the same entries in any of them."""
    courses = [course_id for course_id, _ in arrangement]
    items = [item_id for _, ids in arrangement for item_id in ids]
    chance.shuffle(courses)
    chance.shuffle(items)
    found: dict[str, list[str]] = {course_id: [] for course_id in courses}
    for item_id in items:
        found[chance.choice(courses)].append(item_id)
    return list(found.items())


def moved(arrangement: Arrangement, item_id: str, course_id: str, before: str | None) -> Arrangement:
    """What one step makes of an arrangement."""
    if before == item_id:
        return arrangement
    left = {at: [other for other in ids if other != item_id] for at, ids in arrangement}
    place = len(left[course_id]) if before is None else left[course_id].index(before)
    left[course_id].insert(place, item_id)
    return list(left.items())


async def test_the_whole_order_is_set_at_once_across_courses(curator: Curator) -> None:
    menu, _, items = await curator.filled(3, 2, 0)
    before = await curator.arrangement(menu)
    (first, [a, b, c]), (second, [d, e]), (third, _) = before
    after = [(third, [e, a]), (first, [b]), (second, [d, c])]
    body = checked(await curator.order(menu, after), 200, MenuRead)
    assert body == await curator.read(menu)
    assert body["version"] == menu["version"] + 1
    assert await curator.arrangement(menu) == after
    # Whoever holds an entry that moved has a stale copy; what stayed in its place is as it was.
    versions = {item["id"]: item["version"] for course in await curator.courses(menu)
                for item in await curator.items(menu, course)}  # fmt: skip
    assert versions == {a: 2, b: 2, c: 2, d: 1, e: 2}
    assert [course["version"] for course in await curator.courses(menu)] == [2, 2, 2]
    assert items[0][0]["version"] == 1


async def test_any_arrangement_can_be_set_and_any_step_done(curator: Curator) -> None:
    menu, _, _ = await curator.filled(4, 0, 3, 1)
    chance = random.Random(20260101)
    present = await curator.arrangement(menu)
    for _ in range(25):
        if chance.random() < 0.3:
            present = shuffled(present, chance)
            assert (await curator.order(menu, present)).status_code == 200
        else:
            item_id = chance.choice([item_id for _, ids in present for item_id in ids])
            course_id, ids = chance.choice(present)
            before = chance.choice([None, *ids])
            present = moved(present, item_id, course_id, before)
            checked(await curator.move(item_id, course_id, before), 200, MenuRead)
        assert await curator.arrangement(menu) == present


async def test_an_order_names_each_course_and_each_entry_exactly_once(curator: Curator) -> None:
    menu, _, _ = await curator.filled(2, 1)
    other, _, _ = await curator.filled(1)
    [(foreign, [stray])] = await curator.arrangement(other)
    whole = await curator.arrangement(menu)
    (first, [a, b]), (second, [c]) = whole
    nowhere = str(uuid4())
    mismatches: list[tuple[Arrangement, list[tuple[str, str]]]] = [
        ([], [("#/courses", "menus.order_mismatch")] * 2),
        ([(first, [a, b, c])], [("#/courses", "menus.order_mismatch")]),
        ([(first, [a]), (second, [c])], [("#/courses", "menus.order_mismatch")]),
        ([*whole, (foreign, [])], [("#/courses/2/id", "menus.course_not_found")]),
        ([*whole, (first, [])], [("#/courses/2/id", "menus.order_mismatch")]),
        ([(first, [a, b]), (second, [c, stray])], [("#/courses/1/items/1", "menus.item_not_found")]),
        ([(first, [a, b, a]), (second, [c])], [("#/courses/0/items/2", "menus.order_mismatch")]),
        ([(first, [a, b]), (second, [b, c])], [("#/courses/1/items/0", "menus.order_mismatch")]),
        (
            [(first, [a, nowhere]), (nowhere, [c])],
            [
                ("#/courses/0/items/1", "menus.item_not_found"),
                ("#/courses/1/id", "menus.course_not_found"),
                ("#/courses", "menus.order_mismatch"),
                ("#/courses", "menus.order_mismatch"),
            ],
        ),
    ]
    for order, errors in mismatches:
        document = problem(await curator.order(menu, order), 422, "menus.order_mismatch")
        assert [(error["pointer"], error["code"]) for error in document["errors"]] == errors
    endless: list[Arrangement] = [[(nowhere, [])] * (MAX_COURSES + 1), [(first, [nowhere] * (MAX_ITEMS + 1))]]
    for order in endless:
        problem(await curator.order(menu, order), 422, "request.invalid")
    assert await curator.read(menu) == menu
    assert await curator.arrangement(menu) == whole


@given(st.lists(st.tuples(st.integers(0, 4), st.lists(st.integers(0, 6), max_size=6)), max_size=6))
def test_only_a_permutation_is_without_errors(named: list[tuple[int, list[int]]]) -> None:
    courses, items = [uuid4() for _ in range(4)], [uuid4() for _ in range(6)]
    order = [
        CourseOrder(id=[*courses, uuid4()][course], items=[[*items, uuid4()][item] for item in chosen])
        for course, chosen in named
    ]
    is_permutation = sorted(course for course, _ in named) == [0, 1, 2, 3] and sorted(
        item for _, chosen in named for item in chosen
    ) == list(range(6))
    assert (order_errors(order, set(courses), set(items)) == []) is is_permutation


def test_the_errors_of_an_order_are_bounded() -> None:
    strangers = [CourseOrder(id=uuid4(), items=[uuid4() for _ in range(20)]) for _ in range(MAX_COURSES)]
    assert len(order_errors(strangers, {uuid4()}, {uuid4()})) == 52


async def test_a_step_goes_to_a_place_of_the_same_menu(owner: Person, curator: Curator, stranger: Person) -> None:
    menu, _, _ = await curator.filled(2, 1)
    other, _, _ = await curator.filled(1)
    [(foreign, [stray])] = await curator.arrangement(other)
    whole = await curator.arrangement(menu)
    (first, [a, b]), (second, [c]) = whole
    for course_id, before, pointer in (
        (foreign, None, "#/course_id"),
        (str(uuid4()), None, "#/course_id"),
        (second, b, "#/before"),
        (second, stray, "#/before"),
        (first, str(uuid4()), "#/before"),
    ):
        document = problem(await curator.move(a, course_id, before), 422, "menus.place_unknown")
        assert [error["pointer"] for error in document["errors"]] == [pointer]
    for body in ({"before": None}, {"course_id": first, "before": 1}, {"course_id": first, "after": a}, {}):
        problem(await owner.post(f"/menus/course-items/{a}/move", json=body), 422, "request.invalid")
    problem(await curator.move(str(uuid4()), first), 404, "menus.item_not_found")
    problem(await Curator(stranger).move(a, first), 404, "menus.item_not_found")
    assert await curator.read(menu) == menu
    assert await curator.arrangement(menu) == whole
    checked(await owner.post(f"/menus/course-items/{a}/move", json={"course_id": first}), 200, MenuRead)
    assert await curator.arrangement(menu) == [(first, [b, a]), (second, [c])]
    assert (await owner.delete(f"/menus/{menu['id']}")).status_code == 204
    problem(await curator.move(c, first), 404, "menus.item_not_found")


async def test_of_two_who_reorder_one_version_one_wins_and_nothing_is_lost(owner: Person, curator: Curator) -> None:
    menu, _, _ = await curator.filled(3, 3)
    chance = random.Random(7)
    for _ in range(5):
        tag = (await owner.get(f"/menus/{menu['id']}")).headers["etag"]
        present = await curator.arrangement(menu)
        order = shuffled(present, chance)
        while order == present:
            order = shuffled(present, chance)
        item_id, (course_id, _) = next(item for _, ids in present for item in ids), chance.choice(present)
        replies = await asyncio.gather(
            curator.order(menu, order, **{"If-Match": tag}), curator.move(item_id, course_id, **{"If-Match": tag})
        )
        assert sorted(reply.status_code for reply in replies) == [200, 412]
        won = order if replies[0].status_code == 200 else moved(present, item_id, course_id, None)
        assert await curator.arrangement(menu) == won


async def test_without_a_version_those_who_reorder_come_one_by_one(curator: Curator) -> None:
    menu, _, _ = await curator.filled(3, 3, 2)
    chance = random.Random(11)
    for _ in range(3):
        present = await curator.arrangement(menu)
        orders = [shuffled(present, chance) for _ in range(4)]
        items = [item_id for _, ids in present for item_id in ids]
        steps: list[tuple[str, str]] = [(item_id, chance.choice(present)[0]) for item_id in items]
        replies = await asyncio.gather(
            *(curator.order(menu, order) for order in orders), *(curator.move(*step) for step in steps)
        )
        assert {reply.status_code for reply in replies} == {200}
        found = await curator.arrangement(menu)
        assert sorted(item_id for _, ids in found for item_id in ids) == sorted(items)
        assert len({reply.json()["version"] for reply in replies}) == len(replies)


async def test_an_entry_that_vanished_meanwhile_is_told_and_nothing_is_moved(owner: Person, curator: Curator) -> None:
    menu, [course, _], _ = await curator.filled(3, 0)
    (first, [a, b, c]), (second, _) = await curator.arrangement(menu)
    order: Any = [(second, [c]), (first, [b, a])]
    assert (await owner.delete(f"/menus/{menu['id']}/courses/{course['id']}/items/{b}")).status_code == 204
    before = await curator.read(menu)
    document = problem(await curator.order(menu, order), 422, "menus.order_mismatch")
    assert [error["pointer"] for error in document["errors"]] == ["#/courses/1/items/0"]
    problem(await curator.move(b, second), 404, "menus.item_not_found")
    assert problem(await curator.move(a, first, b), 422, "menus.place_unknown")["errors"][0]["pointer"] == "#/before"
    assert await curator.read(menu) == before
    assert await curator.arrangement(menu) == [(first, [a, c]), (second, [])]
