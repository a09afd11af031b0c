"""What goes out: imports and what became of their rows."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from monocoque.types import Output
from monocoque_media import examples
from monocoque_media.schemas.items import MediaType

ImportFormat = Literal["goodreads", "storygraph", "letterboxd", "howlongtobeat", "openreads", "tmdb", "csv", "json"]
RowStatus = Literal["imported", "unchanged", "skipped", "failed"]


class ImportRead(Output):
    """An import; its counts grow while it runs."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.IMPORT]})

    id: UUID
    format: ImportFormat = Field(description="What the file was recognised as; `csv` and `json` are our own exports.")
    filename: str | None
    dry_run: bool = Field(description="Nothing was kept but this report.")
    status: Literal["running", "finished", "failed"]
    detail: str | None = Field(description="Why it failed; what was imported until then stays.")
    row_count: int = Field(description="Rows seen so far.")
    imported_count: int
    unchanged_count: int = Field(description="Rows that said nothing new.")
    skipped_count: int = Field(description="Rows that are no business of ours, such as single episodes.")
    failed_count: int
    created_item_count: int = Field(description="Items that the catalogue did not have.")
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


class ImportGuess(Output):
    """What a row that failed seems to mean, as far as it can be told."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    media_type: MediaType | None = None
    title: str | None = None
    creators: str | None = None
    release_date: str | None = Field(default=None, description="`1999`, `1999-05` or `1999-05-17`.")


class ImportRowRead(Output):
    """What became of a row; the first below the header is 1."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.IMPORT_ROW]})

    row_number: int
    status: RowStatus
    title: str | None
    item_id: UUID | None = Field(
        description="The item that the row is about; of one that failed, the one that it probably is about. "
        "Null where there is none, or it is gone."
    )
    reason: str | None = Field(description="Why the row failed or was skipped, or what of it was cut.")
    guess: ImportGuess | None = Field(description="What a row that failed seems to mean.")
