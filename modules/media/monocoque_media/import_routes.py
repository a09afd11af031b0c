"""The HTTP face of imports."""

from __future__ import annotations

from typing import Annotated, Any, BinaryIO
from uuid import UUID

from fastapi import Path, Query, Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from monocoque import json
from monocoque.conditional import IfNoneMatch
from monocoque.pagination import CurrentPage, Page
from monocoque.problems import (
    BAD_REQUEST,
    UNSUPPORTED_MEDIA_TYPE,
    Problem,
    invalid,
    responses,
)
from monocoque.replies import JsonReply, document
from monocoque.routing import Router
from monocoque.runtime import CurrentRuntime, Db
from monocoque.security import CurrentPrincipal
from monocoque.types import MAX_INT
from monocoque_media import importing_service
from monocoque_media.problems import IMPORT_NOT_FOUND, IMPORT_RUNNING, IMPORT_UNREADABLE
from monocoque_media.queries import imports as queries
from monocoque_media.schemas.imports import ImportRead, ImportRowRead, RowStatus

MAX_FILE = 256 * 1024 * 1024
"""Bytes that a request with a file may have: room for an export of as many rows as an import reads."""

router = Router()
ImportId = Annotated[UUID, Path(description="The id of one of your imports.")]
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary", "description": "At most 256 MiB."}},
                }
            }
        },
    }
}


@router.post(
    "",
    status_code=201,
    response_model=ImportRead,
    summary="Import a file",
    max_body_size=MAX_FILE,
    openapi_extra=_BODY,
    responses={
        202: {"model": ImportRead, "description": "The import goes on; its record tells how far it is."},
        **responses(BAD_REQUEST, IMPORT_RUNNING, UNSUPPORTED_MEDIA_TYPE, IMPORT_UNREADABLE),
    },
)
async def create_import(
    request: Request,
    owner: CurrentPrincipal,
    runtime: CurrentRuntime,
    dry_run: Annotated[bool, Query(description="Only report what would happen.")] = False,
) -> Response:
    """Reads an export of Goodreads, The StoryGraph, Letterboxd, HowLongToBeat, Openreads, TMDB, or of our own.

    Which it is shows in its columns. A row that cannot be read costs no other one. The same file once more changes
    nothing, so there is no Idempotency-Key here: whoever lost the reply sends the file again.
    """
    with importing_service.one_at_a_time(runtime, owner.user_id):
        file, filename = await _uploaded(request)
        row = await importing_service.start(runtime, owner.user_id, file, filename, dry_run=dry_run)
    location = f"{request.scope['path']}/{row['id']}"
    return JsonReply(dict(row.items()), 202 if row["status"] == "running" else 201, ((b"location", location.encode()),))


async def _uploaded(request: Request) -> tuple[BinaryIO, str]:
    """The file of the form, on disk if large, and its name; read here so that who has no account sends none."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise Problem(UNSUPPORTED_MEDIA_TYPE, "Send the file as multipart/form-data, in the field `file`.")
    form = await request.form(max_files=1, max_fields=1)
    found = form.get("file")
    if not isinstance(found, UploadFile) or len(form) != 1:
        await form.close()
        raise invalid("#/file", "missing", "Send one file in the field `file`, and nothing else.")
    return found.file, _line(found.filename or "")


def _line(text: str) -> str:
    """A file's name as it can be kept: clients send what they like."""
    return "".join(character for character in text if character.isprintable()).encode("utf-8", "replace").decode()


@router.get("", response_model=Page[ImportRead], summary="List your imports")
async def list_imports(owner: CurrentPrincipal, db: Db, page: CurrentPage) -> Response:
    """Your imports, newest first."""
    return page.page(await db.all(queries.LIST, owner_id=owner.user_id, before=page.before(), limit=page.fetch))


@router.get("/{import_id}", response_model=ImportRead, summary="Get an import", responses=responses(IMPORT_NOT_FOUND))
async def get_import(
    import_id: ImportId, owner: CurrentPrincipal, db: Db, if_none_match: IfNoneMatch = None
) -> Response:
    """How far an import is, or how it ended."""
    row = await importing_service.find(db, owner.user_id, import_id)
    return document(json.dumps(dict(row.items())), if_none_match)


@router.get(
    "/{import_id}/rows",
    response_model=Page[ImportRowRead],
    summary="List the rows of an import",
    responses=responses(IMPORT_NOT_FOUND),
)
async def list_import_rows(
    import_id: ImportId,
    owner: CurrentPrincipal,
    db: Db,
    page: CurrentPage,
    status: Annotated[RowStatus | None, Query(description="Only rows of which this became.")] = None,
) -> Response:
    """What became of each row, in the order of the file."""
    await importing_service.find(db, owner.user_id, import_id)
    position = page.position()
    after = None if position is None else min(int(position[0]), MAX_INT)
    rows = await db.all(queries.LIST_ROWS, import_id=import_id, status=status, after=after, limit=page.fetch)
    return page.page(rows, lambda row: [row["row_number"]])
