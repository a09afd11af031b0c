"""Exports over HTTP: the same files for a list's owner and for whoever has its link."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from monocoque.files import file_reply
from monocoque_build_lists import examples
from monocoque_build_lists.export import KINDS, Exportable
from monocoque_build_lists.schemas import ExportedBuildList, ExportFormat, SharedBuildList

WantedFormat = Annotated[
    ExportFormat, Query(alias="format", description="Markdown and BBCode are for forums, CSV for spreadsheets.")
]


def documented(model: type[Exportable]) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route that exports lists of this kind: each form with an example."""
    example = examples.EXPORTED if model is ExportedBuildList else examples.SHARED
    content: dict[str, dict[str, Any]] = {}
    for form, kind in KINDS.items():
        if form is not ExportFormat.JSON:
            media_type = kind.media_type.partition(";")[0]
            known = content.setdefault(media_type, {"schema": {"type": "string"}, "examples": {}})
            known["examples"][form.value] = {"value": kind.write(model.model_validate(example))}
    return {200: {"description": "The list, as a file to keep.", "model": model, "content": content}}


async def exported(
    build_list: ExportedBuildList | SharedBuildList, form: ExportFormat, headers: Iterable[tuple[str, str]] = ()
) -> Response:
    """The list as a file in this form, to be saved under its name."""
    return await file_reply(build_list, KINDS[form], build_list.name, "build-list", headers)
