"""What a source may hand over is what the database can keep."""

from __future__ import annotations

import pytest

from monocoque_media.contracts import MAX_EXTERNAL_ID, BookDetails, NormalisedItem


def an_item(external_id: str) -> NormalisedItem:
    return NormalisedItem(
        media_type="book",
        title="Frankenstein",
        details=BookDetails(),
        source="somewhere",
        kind="volume",
        external_id=external_id,
        raw_payload={},
    )


def test_an_id_is_bounded_in_bytes_because_it_is_indexed() -> None:
    assert an_item("x" * MAX_EXTERNAL_ID).external_id
    with pytest.raises(ValueError, match="bytes"):
        an_item("\u4e00" * (MAX_EXTERNAL_ID // 2))
