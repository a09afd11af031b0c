"""The page of a shared list, and the files that are taken home from it: all that the link shows, and nothing else."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from monocoque.runtime import Runtime
from monocoque_build_lists.export import SHARED_CSV_COLUMNS
from monocoque_build_lists.pages import money_text
from monocoque_build_lists.schemas import ExportFormat, MoneyRead, SharedBuildList
from tests.conftest import AppFactory, client_of
from tests.reading import BROWSER, Page, read
from tests.support import Person, checked, problem, sign_up

from .conftest import VIN, Garage

HOSTILE = "<script>alert(1)</script>\"' onerror=x {{ 7*7 }} &amp; </td><img src=x>"
NBSP, NONE = "\u00a0", "\u2013"


async def full_list(garage: Garage, **fields: Any) -> str:
    """A list of what there is to show and to hide."""
    car_id = await garage.car(vin=VIN, nickname="Weekend", notes="secret-note-of-the-car")
    part_id = await garage.part(
        "Pads",
        brand="Brembo",
        category="Brakes",
        part_number="P 49",
        url="https://www.shop.example.com/p?a=1&b=2",
        notes="secret-note-of-the-part",
        price={"amount": "1129.90", "currency": "EUR"},
    )
    list_id = await garage.new_list(
        **{"name": "Track day", "description": "Brakes\nfirst.", **fields, "car_id": car_id}
    )
    await garage.item(list_id, part_id=part_id, quantity=2, notes="Left\nand right.", status="installed")
    await garage.item(list_id, name="Seat", paid={"amount": "98000", "currency": "JPY"})
    await garage.item(list_id, name="Fluid")
    return list_id


async def page_of(client: httpx.AsyncClient, token: str, path: str = "/l/{}") -> Page:
    return read(await client.get(f"http://monocoque.test{path.format(token)}", headers=BROWSER))


def rows_of(page: Page) -> list[list[str]]:
    """The words of each line of the table, cell by cell."""
    cells: list[list[str]] = []
    for element in page.elements:
        if element.tag == "tr":
            cells.append([])
        elif element.tag in {"td", "th"} and cells:
            cells[-1].append(" ".join(element.text.split(" ")).strip())
    return [["|".join(line.strip() for line in cell.splitlines() if line.strip()) for cell in row] for row in cells]


async def test_the_page_shows_what_is_shared_and_nothing_private(
    client: httpx.AsyncClient, garage: Garage, owner: Person
) -> None:
    list_id = await full_list(garage)
    token = await garage.share(list_id)
    reply = await client.get(f"http://monocoque.test/l/{token}", headers=BROWSER)
    page = read(reply)
    assert page.texts("h1") == ["Track day"]
    assert page.texts("p", class_="subject") == ["1990 Mazda MX-5 (Weekend)"]
    assert page.texts("p", class_="lead") == ["Brakes\nfirst."]
    assert page.texts("li")[:3] == ["3 items", "2 wanted", "1 installed"]
    assert rows_of(page) == [
        ["Item", "Status", "Qty", "Price", "Total"],
        [
            "Pads|Brembo · P 49 · Brakes · shop.example.com|Left|and right.",
            "Installed",
            "2",
            f"1,129.90{NBSP}EUR",
            f"2,259.80{NBSP}EUR",
        ],
        ["Seat", "Wanted", "1", NONE, f"98,000{NBSP}JPY"],
        ["Fluid", "Wanted", "1", NONE, NONE],
        ["Total 1 without a price", f"2,259.80{NBSP}EUR 98,000{NBSP}JPY"],
    ]
    [link] = [link for link in page.all("a") if link.text == "Pads"]
    assert link.attributes == {"href": "https://www.shop.example.com/p?a=1&b=2", "rel": "noopener nofollow ugc"}
    for private in (VIN, owner.email, str(owner.id), "secret-note", list_id, "paid"):
        assert private not in reply.text
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.headers["x-robots-tag"] == page.meta("robots") == "noindex"


async def test_a_pasted_link_shows_a_card(client: httpx.AsyncClient, owner: Person, garage: Garage) -> None:
    list_id = await full_list(garage)
    token = await garage.share(list_id)
    page = await page_of(client, token)
    assert page.meta("og:title") == "Track day"
    assert page.meta("og:description") == page.meta("description") == "Brakes first."
    assert page.meta("og:type") == "website"
    assert page.meta("og:url") == page.link("canonical") == f"http://monocoque.test/l/{token}"
    assert (await owner.patch(f"/build-lists/{list_id}", json={"description": None})).status_code == 200
    described = (await page_of(client, token)).meta("og:description")
    assert described == "1990 Mazda MX-5 (Weekend), 3 items, 2,259.80 EUR, 98,000 JPY"


async def test_a_browser_at_the_public_address_gets_the_same_page(client: httpx.AsyncClient, garage: Garage) -> None:
    token = await garage.share(await full_list(garage))
    at_home = await page_of(client, token)
    address = "/api/v1/public/build-lists/{}"
    abroad = await page_of(client, token, address)
    assert abroad.link("canonical") == at_home.link("canonical")
    assert [element.text for element in abroad.elements] == [element.text for element in at_home.elements]
    for page, path in ((at_home, "/l/{}"), (abroad, address)):
        base = httpx.URL(f"http://monocoque.test{path.format(token)}")
        links = [base.join(str(link.attributes["href"])) for link in page.all("a") if "format=" in str(link.attributes)]
        assert [link.params["format"] for link in links] == [form.value for form in ExportFormat]
        for link in links:
            assert link.path == f"/api/v1/public/build-lists/{token}/export"
            assert (await client.get(link)).status_code == 200


async def test_the_document_varies_by_what_is_asked_for(client: httpx.AsyncClient, garage: Garage) -> None:
    token = await garage.share(await full_list(garage))
    for accept in ("*/*", "application/json", "application/json, text/html;q=0.9"):
        reply = await client.get(f"/public/build-lists/{token}", headers={"Accept": accept})
        checked(reply, 200, SharedBuildList)
        assert reply.headers["vary"] == "Accept"


async def test_a_current_page_is_not_sent_again_until_anything_shown_changes(
    client: httpx.AsyncClient, owner: Person, garage: Garage
) -> None:
    list_id = await full_list(garage)
    address = f"http://monocoque.test/l/{await garage.share(list_id)}"
    first = await client.get(address)
    same = await client.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert (await owner.patch(f"/build-lists/{list_id}", json={"description": None})).status_code == 200
    again = await client.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 200
    assert read(again).texts("p", class_="lead") == []


async def test_nothing_that_anybody_typed_comes_alive(
    client: httpx.AsyncClient, garage: Garage, runtime: Runtime
) -> None:
    car_id = await garage.car(nickname=HOSTILE[:50])
    part_id = await garage.part(HOSTILE, brand=HOSTILE, category=HOSTILE, part_number=HOSTILE[:50])
    list_id = await garage.new_list(HOSTILE, description=HOSTILE, car_id=car_id)
    await garage.item(list_id, part_id=part_id, notes=HOSTILE)
    token = await garage.share(list_id)
    for address in ("javascript:alert(1)", "data:text/html,x", "https://a.example/\"onmouseover='x'", None):
        # What the input type refuses may have got in before it did.
        async with runtime.database.connection() as connection:
            await connection.execute("UPDATE monocoque_parts.parts SET url = $2 WHERE id = $1", UUID(part_id), address)
        page = await page_of(client, token)
        assert page.texts("h1") == [HOSTILE]
        assert page.texts("p", class_="name") == [HOSTILE]
        assert page.texts("p", class_="notes") == [HOSTILE]
        assert page.meta("og:title") == HOSTILE
        assert page.all("img") == []
        links = [str(link.attributes["href"]) for link in page.all("a", rel="noopener nofollow ugc")]
        assert links == [address for address in (address,) if address and address.startswith("https:")]


async def test_whatever_the_reason_a_person_is_told_that_nothing_is_shared(
    client: httpx.AsyncClient, owner: Person, garage: Garage
) -> None:
    list_id = await garage.new_list()
    revoked = await garage.share(list_id)
    assert (await owner.delete(f"/build-lists/{list_id}/share")).status_code == 204
    for token in (revoked, "A" * 43, "short", "%F0%9F%8F%8E", "x" * 5000):
        for path in ("/l/{}", "/api/v1/public/build-lists/{}", "/api/v1/public/build-lists/{}/export?format=csv"):
            address = f"http://monocoque.test{path.format(token)}"
            page = read(await client.get(address, headers=BROWSER), 404)
            assert page.texts("h1") == ["No such shared build list"]
            problem(await client.get(address), 404, "build_lists.share_not_found")


async def test_the_page_takes_one_statement(
    client: httpx.AsyncClient, garage: Garage, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await garage.share(await full_list(garage))
    statements = []
    original = runtime.database.value

    def counted(*arguments: Any, **parameters: Any) -> Any:
        statements.append(arguments)
        return original(*arguments, **parameters)

    for name in ("all", "first", "run", "transact"):
        monkeypatch.setattr(runtime.database, name, None)
    monkeypatch.setattr(runtime.database, "value", counted)
    await page_of(client, token)
    assert len(statements) == 1


async def test_an_empty_list_says_so_and_a_full_one_is_all_there(
    client: httpx.AsyncClient, owner: Person, garage: Garage, runtime: Runtime
) -> None:
    list_id = await garage.new_list()
    token = await garage.share(list_id)
    page = await page_of(client, token)
    assert page.texts("p", class_="empty") == ["Nothing is on this list yet."]
    assert page.all("table") == page.all("nav") == []
    assert page.texts("li") == ["0 items"]
    await garage.item(list_id, name="One")
    assert (await page_of(client, token)).texts("li")[0] == "1 item"
    async with runtime.database.connection() as connection:
        await connection.execute(
            "INSERT INTO monocoque_build_lists.items (id, list_id, position, name, quantity, status) "
            "SELECT gen_random_uuid(), $1, n, 'Item ' || n, n, 'wanted' FROM generate_series(2, 500) n",
            UUID(list_id),
        )
    names = (await page_of(client, token)).texts("p", class_="name")
    assert names == ["One", *(f"Item {number}" for number in range(2, 501))]


async def test_every_form_can_be_taken_home_without_sign_in(client: httpx.AsyncClient, garage: Garage) -> None:
    token = await garage.share(await full_list(garage, name="Größe | <b>"))
    path = f"/public/build-lists/{token}/export"
    types = {
        "markdown": "text/markdown; charset=utf-8",
        "bbcode": "text/plain; charset=utf-8",
        "csv": "text/csv; charset=utf-8; header=present",
        "text": "text/plain; charset=utf-8",
        "json": "application/json",
    }
    for form, content_type in types.items():
        # A browser that follows the link wants a file as well.
        reply = await client.get(f"{path}?format={form}", headers=BROWSER)
        assert reply.status_code == 200
        assert reply.headers["content-type"] == content_type
        assert reply.headers["content-disposition"].startswith('attachment; filename="Groe')
        assert reply.headers["x-robots-tag"] == "noindex"
        assert reply.headers["cache-control"] == "no-cache"
        for private in (VIN, "secret-note", "paid", token, "part_id", "car_id"):
            assert private not in reply.text
    assert (await client.get(path)).headers["content-type"] == types["markdown"]
    assert "# Größe \\| &lt;b&gt;" in (await client.get(path)).text
    shared = await garage.shared(token)
    exported = (await client.get(f"{path}?format=json")).json()
    assert datetime.fromisoformat(exported.pop("updated_at")) == datetime.fromisoformat(shared.pop("updated_at"))
    assert exported == shared
    problem(await client.get(f"{path}?format=pdf"), 422, "request.invalid")
    problem(await client.get(f"{path}?fields=paid"), 422, "request.invalid")


async def test_a_shared_table_has_no_column_of_what_was_paid(client: httpx.AsyncClient, garage: Garage) -> None:
    list_id = await full_list(garage)
    await garage.item(list_id, name="=HYPERLINK(1)", notes="+1")
    reply = await client.get(f"/public/build-lists/{await garage.share(list_id)}/export?format=csv")
    rows = list(csv.DictReader(io.StringIO(reply.text, newline="")))
    assert tuple(rows[0]) == SHARED_CSV_COLUMNS
    assert not [column for column in SHARED_CSV_COLUMNS if "paid" in column]
    assert (rows[0]["price_amount"], rows[0]["total_amount"], rows[0]["notes"]) == (
        "1129.90",
        "2259.80",
        "Left\nand right.",
    )
    assert (rows[1]["price_amount"], rows[1]["total_amount"], rows[1]["total_currency"]) == ("", "98000", "JPY")
    assert (rows[3]["name"], rows[3]["notes"]) == ("'=HYPERLINK(1)", "'+1")


async def test_pages_and_files_are_found_wherever_the_api_is(worker_database_url: str, make_app: AppFactory) -> None:
    app = await make_app(worker_database_url, public_url="https://build.example.org/base/", api_prefix="/v2")
    async with client_of(app, "/v2") as client:
        garage = Garage(await sign_up(client))
        car = (await garage.person.post("/cars", json={"make": "Mazda", "model": "MX-5", "year": 1990})).json()
        made = (await garage.person.post("/build-lists", json={"name": "A", "car_id": car["id"]})).json()
        item = await garage.person.post(f"/build-lists/{made['id']}/items", json={"name": "One"})
        assert item.status_code == 201
        token = await garage.share(made["id"])
        page = await page_of(client, token)
        assert page.link("canonical") == f"https://build.example.org/base/l/{token}"
        base = httpx.URL(f"https://build.example.org/base/l/{token}")
        links = [base.join(str(link.attributes["href"])).path for link in page.all("a") if "format" in str(link)]
        assert set(links) == {f"/base/v2/public/build-lists/{token}/export"}


@pytest.mark.parametrize(
    ("amount", "shown"), [("0", "0"), ("0.05", "0.05"), ("1234567.8901", "1,234,567.8901"), ("1500", "1,500")]
)
def test_amounts_are_grouped_and_keep_their_places(amount: str, shown: str) -> None:
    assert money_text(MoneyRead(amount=amount, currency="EUR")) == f"{shown}{NBSP}EUR"
