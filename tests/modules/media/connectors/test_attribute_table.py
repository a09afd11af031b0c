"""The field tables: complete, true, and the same as on the page; and what becomes of nonsense."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monocoque_media.connectors import attribute_table
from monocoque_media.connectors.fields import Field, at
from monocoque_media.contracts import ProviderAnswerInvalid
from tests.modules.media.connectors.samples import SAMPLES, value_of, without

ROOT = Path(__file__).resolve().parents[4]
NEEDED = {"external_id", "title"}
ROWS = [
    pytest.param(title, field, id=f"{title.partition(' to ')[0]} {field.target}")
    for title, table in attribute_table.TABLES
    for field in table
]


@pytest.mark.parametrize(("title", "field"), ROWS)
def test_each_row_of_the_table_is_what_the_field_is_made_from(title: str, field: Field) -> None:
    mapping, sample = SAMPLES[title]
    whole = value_of(mapping(sample), field.target)
    assert whole not in (None, (), [], {}), "the sample has nothing for this row"
    less = sample
    for path in field.paths:
        assert at(sample, path) is not None
        less = without(less, path)
    try:
        assert value_of(mapping(less), field.target) != whole
    except ProviderAnswerInvalid:
        needed = {path for row in dict(attribute_table.TABLES)[title] if row.target in NEEDED for path in row.paths}
        assert needed & set(field.paths)


@pytest.mark.parametrize("title", SAMPLES)
def test_every_field_that_is_filled_stands_in_the_table(title: str) -> None:
    mapping, sample = SAMPLES[title]
    item = mapping(sample)
    listed = {field.target for field in dict(attribute_table.TABLES)[title]}
    given = {"media_type", "source", "kind", "raw_payload", "details", "metadata"}
    filled = {field.name for field in fields(item) if getattr(item, field.name) not in (None, ())} - given
    filled |= {f"metadata.{name}" for name in item.metadata}
    filled |= {
        f"details.{field.name}" for field in fields(item.details) if getattr(item.details, field.name) not in (None, ())
    }
    assert filled - {"details.tmdb_type", "details.kind"} == listed


def test_the_page_is_written_from_the_tables() -> None:
    page = (ROOT / "docs" / "attribute-mapping.md").read_text(encoding="utf-8")
    assert page == attribute_table.document(), (
        "write it anew: python -m monocoque_media.connectors.attribute_table > docs/attribute-mapping.md"
    )


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["", "\n", "0", "2012-00-00", "//x/", "http://[", "\0", "\ud800", 10**400, -(10**400)]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "#text", "size", "type", "identifier", "date", "company", "job"]), inner
        )
    ),
    max_leaves=6,
)


@st.composite
def spoilt(draw: st.DrawFn, sample: dict[str, Any]) -> Any:
    """A sample in which some members, at any depth, are something else or missing."""

    def spoil(value: Any) -> Any:
        fate = draw(st.integers(0, 9))
        if fate == 0:
            return draw(ANYTHING)
        if isinstance(value, dict):
            return {name: spoil(inner) for name, inner in value.items() if fate != 1 or draw(st.booleans())}
        return [spoil(inner) for inner in value] if isinstance(value, list) else value

    return spoil(sample)


@pytest.mark.parametrize("title", SAMPLES)
def test_nonsense_is_an_invalid_answer_at_worst(title: str) -> None:
    mapping, sample = SAMPLES[title]

    @settings(max_examples=150, deadline=None, database=None)
    @given(spoilt(sample))
    def check(payload: Any) -> None:
        try:
            item = mapping(payload)
        except ProviderAnswerInvalid:
            return
        # All but the answer itself can be stored as it is.
        json.dumps(dict(item.metadata), allow_nan=False).encode()
        str(item.release).encode()
        for text in (item.title, item.description or "", *item.creators):
            assert "\0" not in text
            text.encode()

    check()
