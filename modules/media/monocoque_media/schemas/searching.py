"""What comes in and goes out: searches, what is taken in from sources, and the sources themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from monocoque.types import Input, LineText, Output, single_line
from monocoque_media import examples
from monocoque_media.contracts import MAX_EXTERNAL_ID, MediaType

MAX_INGESTED = 100
ExternalId = Annotated[
    str,
    Strict(),
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_EXTERNAL_ID),
    AfterValidator(single_line),
]


class SearchHit(Output):
    """An item that was found."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.HIT]})

    id: UUID
    media_type: MediaType
    title: str
    subtitle: str | None
    release_date: str | None = Field(description="`1999`, `1999-05` or `1999-05-17`: as precise as it is known.")
    cover_image_url: str | None
    creators: str = Field(description="Authors, directors, developers or the artist, with commas between.")
    match: Literal["id", "title", "prefix", "words", "similar"] = Field(
        description="Why it was found, the best reason: the ISBN or a source's id, the whole title, its beginning, "
        "every word of the search, or likeness."
    )


class SourceReport(Output):
    """How a source took part in a search."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.SOURCE_REPORT]})

    status: Literal["ok", "skipped", "timeout", "rate_limited", "unavailable", "not_configured"] = Field(
        description="`skipped`: it has nothing of the type that was asked for."
    )
    found: int
    took_ms: int


class SearchRead(Output):
    """What a search found, the best first."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.SEARCH]})

    items: list[SearchHit]
    sources: dict[str, SourceReport] = Field(description="By name; empty unless sources were to be asked.")


class IngestWrite(Input):
    """What to take in: one thing by the source's id, or what a search of the source finds."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"external_id": "movie/603"}, {"query": "dune", "max_results": 5}]}
    )

    external_id: ExternalId | None = Field(None, description="As the source writes it.")
    query: LineText | None = None
    type: MediaType | None = Field(None, description="With `query`: only this type.")
    year: Annotated[int, Strict(), Field(ge=1, le=9999)] | None = Field(None, description="With `query`.")
    max_results: Annotated[int, Strict(), Field(ge=1, le=MAX_INGESTED)] = Field(20, description="With `query`.")

    @field_validator("query", "type", "year", "max_results")
    @classmethod
    def _is_of_a_search(cls, value: Any, info: ValidationInfo) -> Any:
        if value is not None and info.data.get("external_id") is not None:
            raise PydanticCustomError(
                "media.ingest_ambiguous", "Give either external_id alone or query and what narrows it down"
            )
        return value

    @model_validator(mode="after")
    def _names_one_way(self) -> Self:
        if self.external_id is None and self.query is None:
            raise PydanticCustomError("media.ingest_ambiguous", "Give either external_id or query")
        return self


class Ingested(Output):
    """One of the things that a search of a source found."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.INGESTED]})

    id: UUID = Field(description="The item of the catalogue.")
    external_id: str
    title: str = Field(description="As the source has it.")
    created: bool = Field(description="Whether it is new in the catalogue.")


class IngestReport(Output):
    """What was taken in."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.INGEST]})

    source: str
    created: int
    known: int
    items: list[Ingested]


class ProviderRead(Output):
    """A source outside, as far as this process knows."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.PROVIDER]})

    name: str
    media_types: list[MediaType]
    configured: bool = Field(description="Whether its key is set.")
    breaker: Literal["closed", "open", "half_open"] = Field(
        description="`open`: it failed so often that it is left alone for a while."
    )
    last_success: datetime | None
    quota_left: int | None = Field(description="Calls left in the source's own window, where it says so.")


class ProviderList(Output):
    """Every source there is."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.PROVIDERS]})

    items: list[ProviderRead]
