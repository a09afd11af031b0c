"""The HTTP face of the export."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from starlette.responses import Response, StreamingResponse

from monocoque.routing import Router
from monocoque.runtime import Db
from monocoque.security import CurrentPrincipal
from monocoque_media import examples, exporting_service
from monocoque_media.importing.documents import FORMAT, VERSION

router = Router()
_JSON: dict[str, Any] = {
    "type": "object",
    "required": ["format", "version", "exported_at", "records"],
    "properties": {
        "format": {"const": FORMAT},
        "version": {"const": VERSION},
        "exported_at": {"type": "string", "format": "date-time"},
        "records": {
            "type": "array",
            "description": "First the tags, then the items.",
            "items": {
                "type": "object",
                "required": ["record", "title"],
                "properties": {"record": {"enum": ["tag", "item"]}, "title": {"type": "string"}},
            },
        },
    },
    "examples": [
        {
            "format": FORMAT,
            "version": VERSION,
            "exported_at": "2026-03-02T18:05:00Z",
            "records": examples.RECORDS,
        }
    ],
}
_CSV: dict[str, Any] = {"type": "string", "examples": [exporting_service.table(examples.RECORDS)]}
_DOCUMENT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Everything, as a file to keep.",
        "content": {"application/json": {"schema": _JSON}, "text/csv": {"schema": _CSV}},
    }
}


@router.get("/export", response_class=Response, summary="Export everything of yours", responses=_DOCUMENT)
async def export_media(
    owner: CurrentPrincipal,
    db: Db,
    format_: Annotated[
        Literal["json", "csv"], Query(alias="format", description="Both can be imported again without loss.")
    ] = "json",
) -> Response:
    """The items that you entered, and your states, their log and your tags on whatever items, as one file.

    In CSV, an apostrophe before what a spreadsheet could take for a formula is taken away again by an import.
    """
    media_type, write = exporting_service.FORMS[format_]
    headers = {
        "Content-Disposition": f'attachment; filename="monocoque-media.{format_}"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(write(db, owner.user_id), media_type=media_type, headers=headers)
