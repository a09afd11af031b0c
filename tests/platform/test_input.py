"""Input that PostgreSQL never has to refuse, JSON as it is written, and cursors that cannot be made up."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import Query
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.responses import Response

from monocoque import json
from monocoque.conditional import ExpectedVersions, IfNoneMatch, OnlyNew, expected_versions, there_already
from monocoque.pagination import CurrentPage
from monocoque.problems import PRECONDITION_FAILED, Problem, code_for_status, invalid
from monocoque.replies import JsonReply, document, found
from monocoque.routing import Router
from monocoque.types import (
    Amount,
    Count,
    Currency,
    LineText,
    LongText,
    Moment,
    Money,
    SearchText,
    ShortText,
    minor_digits,
    new_id,
)
from tests.platform.workshop import Workshop
from tests.support import problem

PATH = "/api/v1/things"


def kind(type_: Any, value: Any) -> str:
    """The type of the validation error."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(type_).validate_python(value)
    return str(caught.value.errors(include_input=False, include_url=False)[0]["type"])


def read(type_: Any, value: Any) -> Any:
    return TypeAdapter(type_).validate_python(value)


TEXTS = [ShortText, LineText, LongText, SearchText]


@pytest.mark.parametrize("type_", TEXTS)
@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\x9f", "\x0b"])
def test_no_text_holds_a_control_character(type_: Any, character: str) -> None:
    for text in (f"a{character}b", f"{character}b", f"a{character}"):
        assert kind(type_, text) == "text_control"


@pytest.mark.parametrize("type_", TEXTS)
def test_no_text_holds_half_a_character(type_: Any) -> None:
    assert kind(type_, "a\ud800") == "text_surrogate"


@pytest.mark.parametrize("separator", ["\n", "\r", "\r\n", "\u2028", "\u2029"])
def test_a_line_is_one_line_and_a_long_text_as_many_as_it_likes(separator: str) -> None:
    for type_ in (ShortText, LineText, SearchText):
        assert kind(type_, f"a{separator}b") == "text_line_break"
    assert read(LongText, f"a{separator}b") == f"a{separator}b"


@pytest.mark.parametrize("type_", TEXTS)
def test_outer_blanks_do_not_count(type_: Any) -> None:
    assert read(type_, " \t\n a b \u00a0\r\n") == "a b"
    assert kind(type_, " \n\t\u2003 ") == "string_too_short"


def test_text_is_normalised_before_its_length_counts() -> None:
    assert read(ShortText, "e\u0301") == "é"
    assert read(ShortText, "e\u0301" * 100) == "é" * 100
    # One character whose normal form has three.
    assert kind(ShortText, "\U0001d160" * 34) == "string_too_long"
    assert read(ShortText, "\U0001d160" * 33) == "\U0001d158\U0001d165\U0001d16e" * 33


@pytest.mark.parametrize("type_", TEXTS)
def test_marks_that_would_take_minutes_to_sort_are_refused_at_once(type_: Any) -> None:
    assert read(type_, "e" + "\u0301\u0316" * 15).startswith("\u00e9\u0316")
    assert kind(type_, "e" + "\u0301\u0316" * 15 + "\u0301") == "text_marks"
    began = time.process_time()
    assert kind(type_, "e" + "\u0301\u0316" * 200_000) == "text_marks"
    assert time.process_time() - began < 5


@pytest.mark.parametrize("value", [1, True, None, b"a", ["a"]])
def test_text_is_text(value: Any) -> None:
    for type_ in (ShortText, LineText, LongText):
        assert kind(type_, value) == "string_type"


@pytest.mark.parametrize("value", [True, 1.0, "1", 0, 1_000_001, None])
def test_a_count_is_a_whole_number_in_range(value: Any) -> None:
    assert kind(Count, value)
    assert read(Count, 1_000_000) == 1_000_000


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-05-06T07:08:09Z", datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)),
        ("2024-05-06 07:08:09+02:00", datetime(2024, 5, 6, 5, 8, 9, tzinfo=UTC)),
        ("0001-01-02T00:00:00+14:00", datetime(1, 1, 1, 10, tzinfo=UTC)),
    ],
)
def test_a_moment_is_kept_as_utc(text: str, utc: datetime) -> None:
    assert read(Moment, text) == utc
    assert read(Moment, text).tzinfo is UTC
    assert read(Moment, utc) == utc


@pytest.mark.parametrize("text", ["2024-05-06T07:08:09", "2024-05-06 07:08"])
def test_a_moment_without_an_offset_is_refused(text: str) -> None:
    assert kind(Moment, text) == "timezone_aware"


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_a_moment_whose_utc_is_out_of_range_is_refused(text: str) -> None:
    assert kind(Moment, text) == "datetime_range"


@pytest.mark.parametrize(
    "value", [0, 1700000000, 1.5, True, "1700000000", "-1", "-1e3", "1e9", "2024-05-06", "now", "", None, "x" * 50]
)
def test_a_moment_is_no_number_and_no_date(value: Any) -> None:
    assert kind(Moment, value) == "datetime_text"


@pytest.mark.parametrize("value", ["0", "129.90", "9999999999.9999", "0001.5"])
def test_an_amount_is_decimal_text(value: str) -> None:
    assert read(Amount, value) == Decimal(value)


@pytest.mark.parametrize(
    "value",
    [1, 1.5, True, None, Decimal(1), "", ".", "1.", ".5", "-1", "+1", "1e3", "NaN", "Infinity", " 1", "1_0", "\u0661",
     "10000000000", "1.00001", "1" * 21],
)  # fmt: skip
def test_what_is_no_plain_decimal_is_no_amount(value: Any) -> None:
    assert kind(Amount, value)


@pytest.mark.parametrize(
    ("amount", "currency", "kept"),
    [("1", "EUR", "1.00"), ("1.5", "eur", "1.50"), ("100", "JPY", "100"), ("1.234", "KWD", "1.234")],
)
def test_money_has_the_places_of_its_currency(amount: str, currency: str, kept: str) -> None:
    money = Money.model_validate({"amount": amount, "currency": currency})
    assert (str(money.amount), money.currency) == (kept, currency.upper())


@pytest.mark.parametrize(("amount", "currency"), [("1.234", "EUR"), ("1.5", "JPY"), ("1.2345", "KWD")])
def test_money_with_more_places_is_refused(amount: str, currency: str) -> None:
    assert kind(Money, {"amount": amount, "currency": currency}) == "money_places"


@pytest.mark.parametrize("code", ["XXX", "EURO", "", "eu", "\u0131nr", "\uff25\uff35\uff32"])
def test_an_unknown_currency_is_refused(code: str) -> None:
    assert kind(Currency, code)


def test_minor_digits_follow_the_standard() -> None:
    assert [minor_digits(code) for code in ("EUR", "JPY", "KWD")] == [2, 0, 3]


def test_new_ids_are_sorted_by_time() -> None:
    made = [new_id() for _ in range(100)]
    assert made == sorted(made)
    assert {found.version for found in made} == {7}


class Model(BaseModel):
    n: Decimal


@dataclass
class Plain:
    n: int


def test_json_writes_what_a_database_gives() -> None:
    some = uuid4()
    value = {
        "id": some,
        "price": Decimal("1.50"),
        "model": Model(n=Decimal(1)),
        "set": frozenset({"b", "a"}),
        "took": timedelta(seconds=1.5),
        "at": datetime(2024, 1, 1, tzinfo=UTC),
        "plain": Plain(1),
    }
    assert json.loads(json.dumps(value)) == {
        "id": str(some),
        "price": "1.50",
        "model": {"n": "1"},
        "set": ["a", "b"],
        "took": 1.5,
        "at": "2024-01-01T00:00:00+00:00",
        "plain": {"n": 1},
    }
    with pytest.raises(TypeError, match="not JSON serializable: object"):
        json.dumps(object())


def routes() -> Router:
    router = Router()

    @router.get("", summary="List")
    async def listed(page: CurrentPage, name: Annotated[str | None, Query()] = None) -> Response:
        """Numbers down from a hundred, by an id that holds them."""
        before = page.before()
        start = 100 if before is None else before.int - 1
        return page.page([{"id": UUID(int=number)} for number in range(start, max(start - page.fetch, 0), -1)])

    @router.get("/{place}/sub", summary="Sub")
    async def sub(place: str, page: CurrentPage) -> Response:
        """The same elsewhere."""
        page.position()
        return page.page([{"id": UUID(int=number)} for number in range(page.fetch)])

    @router.get("/one", summary="One")
    async def one(if_none_match: IfNoneMatch = None) -> Response:
        """A resource of version 3."""
        return found({"version": 3}, if_none_match)

    @router.get("/text", summary="Text")
    async def text(if_none_match: IfNoneMatch = None) -> Response:
        """A document without a version."""
        return document(b'{"a":1}', if_none_match)

    @router.put("/one", summary="Put")
    async def put(versions: ExpectedVersions) -> Response:
        """What was expected."""
        return JsonReply(versions)

    @router.put("/only-new", summary="Put")
    async def put_new(only_new: OnlyNew) -> Response:
        """What is there already."""
        if only_new:
            raise there_already()
        return JsonReply(None)

    return router


async def serve(workshop: Workshop) -> httpx.AsyncClient:
    return await workshop.serve(workshop.module(router=routes()))


async def test_cursors_lead_through_the_whole_list_without_gaps(workshop: Workshop) -> None:
    client = await serve(workshop)
    path, seen = f"{PATH}?limit=30&name=a+b%26c", []
    while path:
        reply = await client.get(path)
        assert reply.status_code == 200
        seen += [UUID(item["id"]).int for item in reply.json()["items"]]
        path = reply.links["next"]["url"] if "link" in reply.headers else ""
        assert bool(path) == (reply.json()["next_cursor"] is not None)
    assert seen == list(range(100, 0, -1))


async def test_a_cursor_from_elsewhere_or_changed_is_refused(workshop: Workshop) -> None:
    client = await serve(workshop)
    cursor = (await client.get(f"{PATH}?limit=5&name=x")).json()["next_cursor"]
    assert (await client.get(PATH, params={"cursor": cursor, "name": "x", "limit": 7})).status_code == 200
    elsewhere = (await client.get(f"{PATH}/a/sub")).json()["next_cursor"]
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=="))
    raw[-3] ^= 1
    forged = base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()
    payload = base64.urlsafe_b64encode(b"\0" * 8 + b'["' + str(uuid4()).encode() + b'"]').decode()
    for path, params in [
        (PATH, {"cursor": cursor}),
        (PATH, {"cursor": elsewhere}),
        (f"{PATH}/b/sub", {"cursor": elsewhere}),
        (PATH, {"cursor": cursor, "name": "y"}),
        *[(PATH, {"cursor": bad, "name": "x"}) for bad in (forged, payload, "x", "é", "=", cursor + "A", "a b", "%00")],
    ]:
        reply = await client.get(path, params=params)
        refused = problem(reply, 422, "request.cursor_invalid")
        assert refused["errors"][0]["pointer"] == "query/cursor"


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=", f"cursor={'x' * 501}"])
async def test_a_page_has_bounds(workshop: Workshop, query: str) -> None:
    problem(await (await serve(workshop)).get(f"{PATH}?{query}"), 422, "request.invalid")


async def test_a_cursor_of_another_key_is_refused(workshop: Workshop) -> None:
    cursor = (await (await serve(workshop)).get(f"{PATH}?limit=5")).json()["next_cursor"]
    other = await workshop.serve(workshop.module(router=routes()), secret_key="another key that is long enough.")
    problem(await other.get(PATH, params={"cursor": cursor}), 422, "request.cursor_invalid")


async def test_a_cursor_of_the_key_before_leads_on(workshop: Workshop) -> None:
    first, second, third = (f"{number}" * 40 for number in (1, 2, 3))
    before = await workshop.serve(workshop.module(router=routes()), secret_key=first)
    cursor = (await before.get(f"{PATH}?limit=5")).json()["next_cursor"]
    keys = {"secret_key": second, "secret_key_previous": first}
    rotated = await workshop.serve(workshop.module(router=routes()), **keys)
    page = (await rotated.get(PATH, params={"cursor": cursor, "limit": 5})).json()
    assert [UUID(item["id"]).int for item in page["items"]] == [95, 94, 93, 92, 91]
    keys = {"secret_key": third, "secret_key_previous": second}
    after = await workshop.serve(workshop.module(router=routes()), **keys)
    # What is made during a rotation is made with the new key.
    assert (await after.get(PATH, params={"cursor": page["next_cursor"]})).status_code == 200
    problem(await after.get(PATH, params={"cursor": cursor}), 422, "request.cursor_invalid")


async def test_a_link_is_one_clean_header_whatever_the_path(workshop: Workshop) -> None:
    reply = await (await serve(workshop)).get(f"{PATH}/a%0D%0AX-Evil:%201%C3%BC/sub?limit=1")
    assert reply.headers["link"].startswith(f"<{PATH}/a%0D%0AX-Evil%3A%201%C3%BC/sub?limit=1&cursor=")


@pytest.mark.parametrize(
    ("header", "status"),
    [('"3"', 304), ('W/"3"', 304), ("*", 304), ('"1", "3"', 304), ('"4"', 200), ("3", 200), ("", 200)],
)
async def test_a_copy_that_is_current_is_not_sent_again(workshop: Workshop, header: str, status: int) -> None:
    client = await serve(workshop)
    reply = await client.get(f"{PATH}/one", headers={"If-None-Match": header})
    assert reply.status_code == status
    assert reply.headers["etag"] == '"3"'
    assert bool(reply.content) == (status == 200)
    tag = (await client.get(f"{PATH}/text")).headers["etag"]
    assert (await client.get(f"{PATH}/text", headers={"If-None-Match": tag})).status_code == 304


@pytest.mark.parametrize(
    ("header", "versions"),
    [(None, None), ("*", None), ('"3"', [3]), ('"3", "4"', [3, 4]), ('"3", W/"4", "x"', [3])],
)
async def test_the_expected_versions_are_those_of_the_strong_tags(header: str | None, versions: Any) -> None:
    assert await expected_versions(header) == versions


async def test_what_is_to_be_created_only_replaces_nothing(workshop: Workshop) -> None:
    client = await serve(workshop)
    path = f"{PATH}/only-new"
    assert (await client.put(path)).status_code == 200
    refused = problem(await client.put(path, headers={"If-None-Match": "*"}), 412, "request.stale")
    assert [error["pointer"] for error in refused["errors"]] == ["header/If-None-Match"]
    # Nobody would know from a 200 that the condition was not understood.
    problem(await client.put(path, headers={"If-None-Match": '"1"'}), 422, "request.invalid")
    replies = (await client.get("/openapi.json")).json()["paths"][path]["put"]["responses"]
    assert "412" in replies
    assert "304" not in replies


@pytest.mark.parametrize("header", ["", "3", 'W/"3"', '"x"', '"-1"', '"99999999999"', '"٣"', '"03"'])
async def test_a_tag_that_no_version_has_is_stale(header: str) -> None:
    with pytest.raises(Problem) as caught:
        await expected_versions(header)
    assert caught.value.code is PRECONDITION_FAILED


def test_a_status_that_nobody_named_still_has_a_code() -> None:
    assert code_for_status(418).code == "http.418"
    assert code_for_status(599).title == "Error"
    assert invalid("#/a", "made.up", "No.").errors[0].code == "made.up"
    assert invalid("#/a", PRECONDITION_FAILED, "No.").code is PRECONDITION_FAILED
