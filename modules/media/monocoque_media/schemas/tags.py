"""What comes in and goes out: a person's tags."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from monocoque.types import Input, Output, ShortText
from monocoque_media import examples

MAX_NAME = 50
"""So that a cursor, which holds a name with its case folded, stays short."""


class TagWrite(Input):
    """A tag's name."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "To reread"}]})

    name: Annotated[ShortText, StringConstraints(max_length=MAX_NAME)] = Field(
        description="Unique among yours, whatever its case."
    )


class TagLabel(Output):
    """A tag in brief."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.TAG_LABEL]})

    id: UUID
    name: str


class TagRead(Output):
    """One of your tags."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.TAG]})

    id: UUID
    name: str
    item_count: int = Field(description="Items that have it.")
    version: int = Field(description="Counts the changes of its name, not its items.")
    created_at: datetime
    updated_at: datetime
