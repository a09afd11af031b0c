"""What comes in and goes out: a person's tags."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from uuid import UUID

from pydantic import ConfigDict, Field

from monocoque.types import Input, Output
from monocoque_media import examples
from monocoque_media.schemas.values import MAX_LABEL, LabelText

MAX_NAME = MAX_LABEL
"""Characters of a name, wherever it comes from."""


def name_key(name: str) -> str:
    """What names that differ by case or canonical form alone have in common (Unicode, D145); a key is its own key."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


class TagWrite(Input):
    """A tag's name."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "To reread"}]})

    name: LabelText = Field(description="Unique among yours, whatever its case.")


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
