"""From sign-in to a shared build list and a published menu, with the generated client: `python journey.py http://127.0.0.1:8000`."""

from __future__ import annotations

import sys
from uuid import UUID, uuid4

from monocoque_client import AuthenticatedClient, Client
from monocoque_client.api.auth import auth_get_me, auth_log_in, auth_log_out, auth_refresh, auth_register
from monocoque_client.api.build_lists import (
    build_lists_create_build_list,
    build_lists_create_item,
    build_lists_create_share,
    build_lists_delete_share,
    build_lists_get_build_list_summary,
    build_lists_get_shared_build_list,
    build_lists_list_items,
)
from monocoque_client.api.cars import cars_create_car, cars_decode_car_vin, cars_get_car, cars_merge_car
from monocoque_client.api.media import media_create_item
from monocoque_client.api.menus import (
    menus_create_course,
    menus_create_item,
    menus_create_menu,
    menus_get_public_menu,
    menus_merge_menu,
)
from monocoque_client.api.parts import parts_create_part
from monocoque_client.models import (
    BuildListRead,
    BuildListsItemRead,
    BuildListsItemWrite,
    BuildListWrite,
    CarPatch,
    CarsCarRead,
    CarWrite,
    CourseRead,
    CourseWrite,
    Login,
    MediaItemRead,
    MediaItemWrite,
    MediaItemWriteMediaType,
    MenuPatch,
    MenuPatchVisibility,
    MenuRead,
    MenuReadVisibility,
    MenusItemRead,
    MenusItemWrite,
    MenuWrite,
    Money,
    PageBuildListsItemRead,
    PartRead,
    PartWrite,
    Problem,
    PublicMenu,
    Refresh,
    Registration,
    SharedBuildList,
    ShareRead,
    Summary,
    Tokens,
    UserRead,
    VinRead,
)

PASSWORD = "correct horse battery staple"
PARTS = (("Coilovers", "suspension", "1249.00"), ("Brake pads", "brakes", "89.90"))


def got[Kind](kind: type[Kind], answer: object) -> Kind:
    """What was asked for; a problem ends the journey."""
    assert isinstance(answer, kind), answer
    return answer


def met(code: str, answer: object) -> Problem:
    """The problem that was to be met."""
    problem = got(Problem, answer)
    assert problem.code == code, problem
    return problem


def sign_in(stranger: Client, email: str) -> Tokens:
    registration = Registration(email=email, password=PASSWORD)
    got(UserRead, auth_register.sync(client=stranger, body=registration))
    met("auth.email_taken", auth_register.sync(client=stranger, body=registration))
    met("auth.credentials_wrong", auth_log_in.sync(client=stranger, body=Login(email=email, password="a guess")))
    first = got(Tokens, auth_log_in.sync(client=stranger, body=Login(email=email, password=PASSWORD)))
    following = got(Tokens, auth_refresh.sync(client=stranger, body=Refresh(refresh_token=first.refresh_token)))
    assert following.refresh_token != first.refresh_token
    return following


def add_car(owner: AuthenticatedClient) -> CarsCarRead:
    mazda = CarWrite(make="Mazda", model="MX-5", year=1990, vin="JM1NA3510L0I00000")
    refused = met("request.invalid", cars_create_car.sync(client=owner, body=mazda))
    assert [(error.pointer, error.code) for error in refused.errors] == [("#/vin", "cars.vin_invalid")]

    acura = CarWrite(make="Acura", model="Integra", year=1994, vin="JH4DC4340RS003205")
    key = str(uuid4())
    car = got(CarsCarRead, cars_create_car.sync(client=owner, body=acura, idempotency_key=key))
    again = got(CarsCarRead, cars_create_car.sync(client=owner, body=acura, idempotency_key=key))
    assert again.id == car.id
    decoded = got(VinRead, cars_decode_car_vin.sync("JH4DC4340RS003205", client=owner))
    assert car.year in decoded.model_years

    version = cars_get_car.sync_detailed(car.id, client=owner).headers["etag"]
    weekend, daily = CarPatch(nickname="Weekend"), CarPatch(nickname="Daily")
    named = got(CarsCarRead, cars_merge_car.sync(car.id, client=owner, body=weekend, if_match=version))
    met("request.stale", cars_merge_car.sync(car.id, client=owner, body=daily, if_match=version))
    return named


def add_item(owner: AuthenticatedClient, list_id: UUID, name: str, category: str, amount: str) -> None:
    facts = PartWrite(name=name, category=category, price=Money(amount=amount, currency="EUR"))
    part = got(PartRead, parts_create_part.sync(client=owner, body=facts))
    item = BuildListsItemWrite(part_id=part.id, quantity=2)
    got(BuildListsItemRead, build_lists_create_item.sync(list_id, client=owner, body=item))


def share_build_list(owner: AuthenticatedClient, stranger: Client, car: CarsCarRead) -> None:
    plan = BuildListWrite(name="Spring", car_id=car.id)
    build_list = got(BuildListRead, build_lists_create_build_list.sync(client=owner, body=plan))
    for facts in PARTS:
        add_item(owner, build_list.id, *facts)
    page = got(PageBuildListsItemRead, build_lists_list_items.sync(build_list.id, client=owner, limit=10))
    assert [item.name for item in page.items] == [name for name, _, _ in PARTS]
    summary = got(Summary, build_lists_get_build_list_summary.sync(build_list.id, client=owner))
    assert [(total.amount, total.currency) for total in summary.totals] == [("2677.80", "EUR")]

    token = got(ShareRead, build_lists_create_share.sync(build_list.id, client=owner)).token
    shared = got(SharedBuildList, build_lists_get_shared_build_list.sync(token, client=stranger))
    assert shared.name == build_list.name
    assert shared.car is not None
    assert shared.car.model == car.model
    assert [item.price.amount for item in shared.items if item.price] == [amount for _, _, amount in PARTS]
    assert shared.totals == summary.totals
    assert build_lists_delete_share.sync_detailed(build_list.id, client=owner).status_code == 204
    met("build_lists.share_not_found", build_lists_get_shared_build_list.sync(token, client=stranger))


def publish_menu(owner: AuthenticatedClient, stranger: Client) -> None:
    film = MediaItemWrite(media_type=MediaItemWriteMediaType.MOVIE, title="The Third Man", release_date="1949")
    item = got(MediaItemRead, media_create_item.sync(client=owner, body=film))
    menu = got(MenuRead, menus_create_menu.sync(client=owner, body=MenuWrite(title=f"Noir {uuid4()}")))
    assert menu.visibility is MenuReadVisibility.DRAFT
    first = CourseWrite(title="To begin with")
    course = got(CourseRead, menus_create_course.sync(menu.id, client=owner, body=first))
    entry = MenusItemWrite(media_item_id=item.id, notes="Mind the zither.")
    got(MenusItemRead, menus_create_item.sync(menu.id, course.id, client=owner, body=entry))

    met("menus.not_public", menus_get_public_menu.sync(menu.slug, client=stranger))
    publication = MenuPatch(visibility=MenuPatchVisibility.PUBLIC)
    got(MenuRead, menus_merge_menu.sync(menu.id, client=owner, body=publication))
    shown = got(PublicMenu, menus_get_public_menu.sync(menu.slug, client=stranger))
    assert shown.title == menu.title
    assert [course.title for course in shown.courses] == [first.title]
    assert [(item.title, item.year, item.notes) for item in shown.courses[0].items] == [(film.title, 1949, entry.notes)]


def travel(server: str) -> None:
    email = f"{uuid4()}@example.org"
    with Client(base_url=server, raise_on_unexpected_status=True) as stranger:
        token = sign_in(stranger, email).access_token
        with AuthenticatedClient(base_url=server, token=token, raise_on_unexpected_status=True) as owner:
            assert got(UserRead, auth_get_me.sync(client=owner)).email == email
            share_build_list(owner, stranger, add_car(owner))
            publish_menu(owner, stranger)
            assert auth_log_out.sync_detailed(client=owner).status_code == 204
            met("auth.unauthenticated", auth_get_me.sync(client=owner))


if __name__ == "__main__":
    travel(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
