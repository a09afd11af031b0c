"""What comes in and goes out."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, Strict, model_validator
from pydantic_core import PydanticCustomError

from monocoque.types import Input, LineText, LongText, Output, SearchText, omitted
from monocoque_media.contracts import MediaType
from monocoque_menus import examples
from monocoque_menus.contracts import Visibility
from monocoque_menus.problems import BULK_AMBIGUOUS

MAX_COURSES = 100
MAX_ITEMS = 1000

SlugText = Annotated[
    LineText, Field(description="Its words in the address; made of lower-case letters, digits and hyphens, at most 80.")
]


class MenuWrite(Input):
    """A whole menu, as POST and PUT take it; its courses have addresses of their own."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"title": "A week of noir", "description": "One film an evening.", "visibility": "public"},
                {"title": "Rainy Sundays", "slug": "rainy-sundays"},
            ]
        }
    )

    title: LineText
    description: LongText | None = None
    visibility: Visibility = Field(
        "draft", description="Who can read it: nobody else, those who have its link, or anyone."
    )
    slug: SlugText | None = Field(None, description="Unless given: made from the title by POST, kept by PUT.")


class MenuPatch(Input):
    """What is to change; members that are left out stay, null clears what may be empty."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"visibility": "public", "slug": "seven-nights"}]})

    title: LineText = omitted()
    description: LongText | None = omitted()
    visibility: Visibility = omitted()
    slug: SlugText = omitted()


class MenuRead(Output):
    """A menu without its courses."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.MENU]})

    id: UUID
    title: str
    description: str | None
    slug: str = Field(description="Stays when the title changes.")
    visibility: Visibility
    url: str | None = Field(
        description="Where others can read it: by its slug, or by its link while it is unlisted. Null: it is a draft, "
        "or its link was made with a secret key that is no longer known (it still opens; POST `link` makes a new one)."
    )
    page_url: str | None = Field(description="The same as a page for people.")
    published_at: datetime | None = Field(description="When it was first public; stays when it is so no longer.")
    course_count: int
    item_count: int
    version: int = Field(description="Counts the changes of the courses and their entries too.")
    created_at: datetime
    updated_at: datetime


class CourseWrite(Input):
    """A whole course."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"title": "Monday", "description": "Vienna, after the war."}]}
    )

    title: LineText
    description: LongText | None = None


class CoursePatch(Input):
    """What is to change; members that are left out stay, null clears what may be empty."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"description": None}]})

    title: LineText = omitted()
    description: LongText | None = omitted()


class CourseShown(Output):
    """What anyone sees of a course."""

    title: str
    description: str | None
    position: int = Field(description="From 1, without gaps.")
    item_count: int


class CourseRead(CourseShown):
    """A course without its entries."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.COURSE]})

    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime


class ItemWrite(Input):
    """An entry: something of the catalogue, and why it is here."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"media_item_id": "0198c5a0-b4c5-7e3a-9d2f-3c4d5e6f7081", "notes": "Listen for the zither."}]
        }
    )

    media_item_id: UUID = Field(description="An item of the catalogue; it may be in a menu more than once.")
    notes: LongText | None = Field(None, description="Shown to everyone who reads the menu.")


class ItemPatch(Input):
    """What is to change; members that are left out stay, null clears what may be empty."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"notes": "Listen for the zither."}]})

    media_item_id: UUID = omitted()
    notes: LongText | None = omitted()


class ItemShown(Output):
    """What anyone sees of an entry: its media item as it is now, or as it was when entered where it is gone."""

    title: str
    media_type: MediaType
    year: int | None
    cover_image_url: str | None
    creators: str = Field(description="Authors, directors, developers or the artist; empty where nobody is known.")
    notes: str | None
    position: int = Field(description="From 1, without gaps.")


class ItemRead(ItemShown):
    """An entry of a course."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.ITEM]})

    id: UUID
    course_id: UUID
    media_item_id: UUID | None = Field(description="Null: the item was deleted; what is shown is as it was.")
    version: int
    created_at: datetime
    updated_at: datetime


class CourseOrder(Input):
    """Every entry of a course as it is to be, first to last."""

    id: UUID
    items: Annotated[list[UUID], Field(max_length=MAX_ITEMS)]


class MenuOrder(Input):
    """Every course of a menu, first to last, with every entry; an entry may be given to another course."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "courses": [
                        {
                            "id": "0198c5a0-e2a3-7b4c-9d5e-6f7081920314",
                            "items": ["0198c5a0-e3b4-7c5d-8e6f-708192031425"],
                        }
                    ]
                }
            ]
        }
    )

    courses: Annotated[list[CourseOrder], Field(max_length=MAX_COURSES)]


class MoveWrite(Input):
    """Where an entry goes."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "course_id": "0198c5a0-e2a3-7b4c-9d5e-6f7081920314",
                    "before": "0198c5a0-e3b4-7c5d-8e6f-708192031425",
                }
            ]
        }
    )

    course_id: UUID = Field(description="A course of the same menu.")
    before: UUID | None = Field(None, description="The entry of that course that it comes before; null: at the end.")


class BulkSearch(Input):
    """What to look for in the catalogue."""

    q: SearchText
    type: MediaType | None = None
    year: Annotated[int, Strict(), Field(ge=1, le=9999)] | None = None
    limit: Annotated[int, Strict(), Field(ge=1, le=100)] = 20


class BulkWrite(Input):
    """What to add, by ids or by a search."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"media_item_ids": ["0198c5a0-b4c5-7e3a-9d2f-3c4d5e6f7081"], "duplicates": "reject"},
                {"search": {"q": "noir", "type": "movie", "limit": 10}},
            ]
        }
    )

    media_item_ids: Annotated[list[UUID], Field(min_length=1, max_length=MAX_ITEMS)] | None = Field(
        None, description="Items of the catalogue, in this order."
    )
    search: BulkSearch | None = Field(None, description="What this finds in the catalogue, the best first.")
    duplicates: Literal["allow", "skip", "reject"] = Field(
        "skip", description="What becomes of items that are in the menu already, or named twice."
    )

    @model_validator(mode="after")
    def _names_one_way(self) -> Self:
        if (self.media_item_ids is None) == (self.search is None):
            raise PydanticCustomError(BULK_AMBIGUOUS.code, "Give either media_item_ids or search")
        return self


class BulkItem(Output):
    """What became of one item."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.BULK_ADDED]})

    media_item_id: UUID
    title: str
    status: Literal["added", "skipped"]
    id: UUID | None = Field(description="The new entry; null where the item was skipped as a duplicate.")


class BulkReport(Output):
    """What was added, in the order asked for."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.BULK]})

    added: int
    skipped: int
    items: list[BulkItem]


class CloneWrite(Input):
    """How the copy differs: its title, unless given the original's with "(copy)"."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"title": "A second week of noir"}]})

    title: LineText = omitted()


class Progress(Output):
    """How far you are: entries that you completed, of those whose item is in the catalogue."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.PROGRESS]})

    done: int
    total: int


def _if_asked(description: str) -> Any:
    """A member that may be missing, which is no default to show in the API reference."""
    return Field(default_factory=lambda: None, description=description)


class PublicCourse(CourseShown):
    """A course as anyone reads it."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_serialization_defaults_required=False, json_schema_extra={"examples": [examples.PUBLIC_COURSE]}
    )

    progress: Progress = _if_asked("With `include=progress` only.")
    items: list[ItemShown]


class PublicMenu(Output):
    """A menu as anyone reads it who may: courses and entries in their order."""

    model_config = ConfigDict(
        json_schema_serialization_defaults_required=False, json_schema_extra={"examples": [examples.PUBLIC_MENU]}
    )

    id: UUID = Field(description="With it, who is signed in can copy a public menu.")
    title: str
    description: str | None
    slug: str
    published_at: datetime | None
    updated_at: datetime
    item_count: int
    progress: Progress = _if_asked("With `include=progress` only.")
    courses: list[PublicCourse]


class ExportedItem(ItemShown):
    """An entry as its owner takes it home."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.EXPORTED_ITEM]})

    id: UUID
    media_item_id: UUID | None


class ExportedCourse(CourseShown):
    """A course as its owner takes it home."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.EXPORTED_COURSE]})

    id: UUID
    items: list[ExportedItem]


class ExportedMenu(Output):
    """A menu as its owner takes it home."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.EXPORTED]})

    id: UUID
    title: str
    description: str | None
    slug: str
    visibility: Visibility
    created_at: datetime
    published_at: datetime | None
    updated_at: datetime
    item_count: int
    courses: list[ExportedCourse]


class ExportFormat(StrEnum):
    """The forms that a menu can be taken home in."""

    MARKDOWN = "markdown"
    CSV = "csv"
    JSON = "json"


class HoldingEntry(Output):
    """Where in a menu an item is."""

    id: UUID
    course_id: UUID
    course: str = Field(description="The title of the course.")
    position: int


class HoldingMenu(Output):
    """One of your menus that holds the item."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.HOLDING]})

    id: UUID
    title: str
    slug: str
    visibility: Visibility
    entries: list[HoldingEntry] = Field(description="In the order of the menu.")
