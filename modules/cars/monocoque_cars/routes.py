"""The HTTP face of cars."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query
from starlette.responses import Response

from monocoque import json
from monocoque.conditional import ExpectedVersions, IfNoneMatch
from monocoque.database import Executor
from monocoque.idempotency import CurrentOnce
from monocoque.pagination import CurrentPage, Page
from monocoque.problems import invalid, responses
from monocoque.replies import created, document, found, no_content
from monocoque.routing import Router
from monocoque.runtime import Db
from monocoque.security import CurrentPrincipal
from monocoque.statements import like_pattern
from monocoque.types import SearchText
from monocoque_cars import queries, service
from monocoque_cars.problems import NOT_FOUND, VIN_INVALID, VIN_TAKEN
from monocoque_cars.schemas import CarPatch, CarRead, CarWrite, VinRead
from monocoque_cars.vin import decode_vin, normalise_vin

router = Router()
CarId = Annotated[UUID, Path(description="The id of one of your cars.")]


@router.post("", status_code=201, response_model=CarRead, summary="Add a car", responses=responses(VIN_TAKEN))
async def create_car(car: CarWrite, owner: CurrentPrincipal, once: CurrentOnce) -> Response:
    """Adds a car to yours. A VIN whose check digit does not fit is kept, with a warning in the reply."""

    async def create(executor: Executor) -> Response:
        row = await service.create_car(executor, owner.user_id, car)
        return created(row, once.location(row["id"]))

    return await once.run(owner.user_id, create)


@router.get("", response_model=Page[CarRead], summary="List your cars")
async def list_cars(
    *,
    owner: CurrentPrincipal,
    db: Db,
    page: CurrentPage,
    make: Annotated[SearchText | None, Query(description="Only this make, whatever its case.")] = None,
    model: Annotated[SearchText | None, Query(description="Only this model, whatever its case.")] = None,
    year: Annotated[int | None, Query(ge=1886, le=2200, description="Only this model year.")] = None,
    q: Annotated[SearchText | None, Query(description="Text within make, model, nickname, notes or VIN.")] = None,
    deleted: Annotated[bool, Query(description="The deleted ones, which can be restored, instead.")] = False,
) -> Response:
    """Your cars, newest first."""
    rows = await db.all(
        queries.LIST,
        owner_id=owner.user_id,
        deleted=deleted,
        before=page.before(),
        limit=page.fetch,
        make=make,
        model=model,
        year=year,
        pattern=like_pattern(q),
    )
    return page.page(rows)


@router.get("/vin/{vin}", response_model=VinRead, summary="Decode a VIN", responses=responses(VIN_INVALID))
async def decode_car_vin(
    vin: Annotated[str, Path(max_length=60, description="17 letters and digits.")],
    _caller: CurrentPrincipal,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """What the VIN itself says: maker, origin, candidate model years, check digit. Nothing is asked of anyone."""
    try:
        facts = decode_vin(normalise_vin(vin), today_year=datetime.now(UTC).year)
    except ValueError as error:
        raise invalid("path/vin", VIN_INVALID, str(error)) from None
    return document(json.dumps(facts), if_none_match)


@router.get("/{car_id}", response_model=CarRead, summary="Get a car", responses=responses(NOT_FOUND))
async def get_car(car_id: CarId, owner: CurrentPrincipal, db: Db, if_none_match: IfNoneMatch = None) -> Response:
    """One of your cars, with its ETag."""
    return found(await service.find_car(db, owner.user_id, car_id), if_none_match)


@router.put("/{car_id}", response_model=CarRead, summary="Replace a car", responses=responses(NOT_FOUND, VIN_TAKEN))
async def replace_car(
    car_id: CarId, car: CarWrite, owner: CurrentPrincipal, db: Db, versions: ExpectedVersions
) -> Response:
    """Sets every field; what is left out becomes empty."""
    return found(await service.replace_car(db, owner.user_id, car_id, car, versions))


@router.patch("/{car_id}", response_model=CarRead, summary="Change a car", responses=responses(NOT_FOUND, VIN_TAKEN))
async def merge_car(
    car_id: CarId, change: CarPatch, owner: CurrentPrincipal, db: Db, versions: ExpectedVersions
) -> Response:
    """Sets the fields that are sent (RFC 7396)."""
    return found(await service.merge_car(db, owner.user_id, car_id, change, versions))


@router.delete("/{car_id}", status_code=204, summary="Delete a car", responses=responses(NOT_FOUND))
async def delete_car(car_id: CarId, owner: CurrentPrincipal, db: Db, versions: ExpectedVersions) -> Response:
    """Puts the car aside; it can be restored until it is purged."""
    await service.delete_car(db, owner.user_id, car_id, versions)
    return no_content()


@router.post(
    "/{car_id}/restore", response_model=CarRead, summary="Restore a car", responses=responses(NOT_FOUND, VIN_TAKEN)
)
async def restore_car(car_id: CarId, owner: CurrentPrincipal, db: Db) -> Response:
    """Brings a deleted car back."""
    return found(await service.restore_car(db, owner.user_id, car_id))
