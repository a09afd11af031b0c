"""What comes in and goes out: items of the catalogue."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import (
    ConfigDict,
    Field,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from monocoque.types import Input, LineText, Output, omitted
from monocoque_media import examples
from monocoque_media.fields import lockable
from monocoque_media.isbn import to_isbn_10, to_isbn_13
from monocoque_media.schemas.states import StateRead
from monocoque_media.schemas.tags import TagLabel
from monocoque_media.schemas.values import (
    DescriptionText,
    Isbn10,
    Isbn13,
    LanguageTag,
    Link,
    Metadata,
    Names,
    NameText,
    ReleaseDate,
    TitleText,
    Whole,
)

MediaType = Literal["book", "movie", "tv", "game", "music"]
EXAMPLE: JsonDict = {
    "media_type": "book",
    "title": "Discourse Networks 1800/1900",
    "release_date": "1992",
    "details": {"authors": ["Friedrich A. Kittler"], "isbn_13": "978-0-8047-2099-1", "page_count": 459},
}


class BookDetails(Input):
    """What a book has; one ISBN gives the other."""

    authors: Names = Field(default=[])
    page_count: Whole | None = None
    isbn_10: Isbn10 | None = Field(None, description="Hyphens and blanks are taken away.")
    isbn_13: Isbn13 | None = Field(None, description="Hyphens and blanks are taken away.")
    publisher: NameText | None = None
    language: LanguageTag | None = Field(None, description="A language tag (BCP 47), such as `en` or `pt-BR`.")

    @model_validator(mode="after")
    def _has_both_forms_of_its_isbn(self) -> Self:
        """Both count as sent where one was: a change of one is a change of the other."""
        sent = {"isbn_10", "isbn_13"} & self.model_fields_set
        if not sent:
            return self
        ten, thirteen = self.isbn_10, self.isbn_13
        if thirteen is None and ten is not None:
            thirteen = to_isbn_13(ten)
        elif thirteen is not None:
            shorter = to_isbn_10(thirteen)
            if ten is not None and ten != shorter:
                raise PydanticCustomError("media.isbn_mismatch", "The two ISBN are of different books")
            ten = shorter
        self.isbn_10, self.isbn_13 = ten, thirteen
        return self


class MovieDetails(Input):
    """What a film or a series has."""

    runtime: Whole | None = Field(None, description="In minutes; of a series, of one episode.")
    directors: Names = Field(default=[])
    original_title: NameText | None = None


class GameDetails(Input):
    """What a game has."""

    platforms: Names = Field(default=[])
    developers: Names = Field(default=[])
    publishers: Names = Field(default=[])


class MusicDetails(Input):
    """What a track or an album has."""

    kind: Literal["track", "album"] = "track"
    artist: NameText | None = None
    album: NameText | None = None
    track_number: Whole | None = None
    duration_ms: Whole | None = Field(None, description="In milliseconds.")


Details = BookDetails | MovieDetails | GameDetails | MusicDetails
DETAILS_OF: dict[str, type[BookDetails | MovieDetails | GameDetails | MusicDetails]] = {
    "book": BookDetails,
    "movie": MovieDetails,
    "tv": MovieDetails,
    "game": GameDetails,
    "music": MusicDetails,
}


class ItemWrite(Input):
    """An entry of one's own; `details` are those of its type."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    media_type: MediaType
    title: TitleText
    subtitle: TitleText | None = None
    description: DescriptionText | None = None
    release_date: ReleaseDate | None = None
    cover_image_url: Link | None = None
    metadata: Metadata = Field(default={})
    details: Details = Field(default_factory=dict, validate_default=True)

    @field_validator("details", mode="wrap")
    @classmethod
    def _fit_the_type(cls, value: Any, _handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        kind = info.data.get("media_type")
        # What is wrong with the type is said there; without it nobody can say what is wrong here.
        return value if kind is None else DETAILS_OF[kind].model_validate(value)

    def given(self) -> list[str]:
        """The names of the fields that hold something that was sent, those of `details` among them."""
        sent = self.model_dump(exclude_unset=True) | self.details.model_dump(exclude_unset=True)
        return [name for name in lockable(self.media_type) if sent.get(name) not in (None, [], {})]


class ItemPatch(Input):
    """What is to change; members that are left out stay, null clears what may be empty."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"release_date": "2006-12", "details": {"runtime": 60}}]})

    title: TitleText = omitted()
    subtitle: TitleText | None = omitted()
    description: DescriptionText | None = omitted()
    release_date: ReleaseDate | None = omitted()
    cover_image_url: Link | None = omitted()
    metadata: Metadata | None = omitted()
    details: dict[str, Any] = Field(
        default_factory=dict, description="Members of the item's details that are to change; a list is set as a whole."
    )


class MergeWrite(Input):
    """Which item stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"into": "0198c5a0-f1a2-7c8e-9d3b-5f6a7b8c9d0e"}]})

    into: UUID = Field(description="The item that stays; of the same type.")


class LocksWrite(Input):
    """The fields that are locked, all of them."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"fields": ["title", "release_date"]}]})

    fields: Annotated[list[LineText], Field(max_length=50)]


class BookRead(Output):
    """The details of a book."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.BOOK]})

    authors: list[str]
    page_count: int | None
    isbn_10: str | None
    isbn_13: str | None
    publisher: str | None
    language: str | None


class MovieRead(Output):
    """The details of a film or a series."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.MOVIE]})

    tmdb_type: Literal["movie", "tv"]
    runtime: int | None = Field(description="In minutes.")
    directors: list[str]
    original_title: str | None


class GameRead(Output):
    """The details of a game."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.GAME]})

    platforms: list[str]
    developers: list[str]
    publishers: list[str]


class MusicRead(Output):
    """The details of a track or an album."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.MUSIC]})

    kind: Literal["track", "album"]
    artist: str | None
    album: str | None
    track_number: int | None
    duration_ms: int | None = Field(description="In milliseconds.")


class ItemRead(Output):
    """An item of the catalogue."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ITEM]})

    id: UUID
    media_type: MediaType
    title: str
    subtitle: str | None
    description: str | None
    release_date: str | None = Field(description="`1999`, `1999-05` or `1999-05-17`: as precise as it is known.")
    cover_image_url: str | None
    metadata: dict[str, Any]
    details: BookRead | MovieRead | GameRead | MusicRead = Field(description="Those of its type.")
    locked_fields: list[str] = Field(description="What a refresh leaves alone: `edited_fields` and `locks` together.")
    edited_fields: list[str] = Field(description="What a person gave or changed; DELETE edits gives one back.")
    locks: list[str] = Field(description="What was locked with PUT locks.")
    created_by: UUID | None = Field(
        description="Who entered it, shown to them and to administrators; null to others, where it came from a source, "
        "and once the account is gone."
    )
    own: bool = Field(description="Whether you entered it.")
    version: int
    created_at: datetime
    updated_at: datetime


class SourceRead(Output):
    """Where an item is known outside."""

    model_config = ConfigDict(
        json_schema_serialization_defaults_required=False, json_schema_extra={"examples": [examples.SOURCE]}
    )

    source: str
    kind: str
    external_id: str
    url: str | None
    fetched_at: datetime
    raw_payload: dict[str, Any] = Field(default={}, description="As it was received; with `include=raw` only.")


class ItemWithRead(ItemRead):
    """An item with what `include` asked for; what it did not ask for is left out."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_serialization_defaults_required=False, json_schema_extra={"examples": [examples.ITEM_WITH]}
    )

    sources: list[SourceRead] = Field(default=[])
    tags: list[TagLabel] = Field(default=[], description="Yours.")
    state: StateRead | None = Field(default=None, description="Yours; null where you keep none.")
