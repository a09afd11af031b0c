"""docs/api.md: every block of commands runs as printed against the demo data, and prints what the page says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.flows import Flow, differences, flows, run_all
from tests.e2e.process import Served


@pytest.mark.slow
def test_every_flow_runs_as_printed(tmp_path: Path, repository: Path, migrated_database_url: str) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl, which the page is about")
    blocks = flows((repository / "docs/api.md").read_text())
    assert len(blocks) > 15
    with Served(tmp_path, "--demo", variables={"DATABASE_URL": migrated_database_url}) as served:
        printed = run_all(blocks, tmp_path, BASE=served.base)
    wrong = [
        f"line {block.line}: {difference}\n{block.commands}{output}"
        for block, output in zip(blocks, printed, strict=True)
        for difference in differences(block, output)
    ]
    assert not wrong, "\n".join(wrong)


def test_a_flow_that_fails_is_named_with_its_line(tmp_path: Path) -> None:
    blocks = flows("# Page\n\n```bash\nNAME=here\n```\n\nand\n\n```bash\necho $NAME\nfalse\n```\n")
    with pytest.raises(AssertionError, match="line 9: echo"):
        run_all(blocks, tmp_path)
    assert run_all([*blocks[:1], Flow("echo $NAME\n", "", "", 1)], tmp_path) == ["", "here\n"]


@pytest.mark.parametrize(
    ("form", "wanted", "printed"),
    [
        ("json", '{"id": "...", "name": "Track"}', '{"id": "01", "name": "Track", "version": 1}'),
        ("json", '{"items": [{"n": 1}, "..."]}', '{"items": [{"n": 1}, {"n": 2}, {"n": 3}]}'),
        ("json", '{"url": "http://127.0.0.1:8000/..."}', '{"url": "http://127.0.0.1:8000/l/abc"}'),
        ("json", '{"paid": "..."}', '{"paid": null}'),
        ("text", "HTTP/1.1 201 Created\netag: ...\n", 'HTTP/1.1 201 Created\r\netag: "1"\r\n'),
        ("", "", "anything"),
    ],
)
def test_what_is_printed_as_the_page_says_is_no_difference(form: str, wanted: str, printed: str) -> None:
    assert differences(Flow("", form, wanted, 1), printed) == []


@pytest.mark.parametrize(
    ("form", "wanted", "printed"),
    [
        ("json", '{"name": "Track"}', '{"name": "Street"}'),
        ("json", '{"name": "Track"}', '{"title": "Track"}'),
        ("json", '{"items": [{"n": 1}]}', '{"items": []}'),
        ("json", '{"items": [{"n": 1}, "..."]}', '{"items": []}'),
        ("json", '{"count": 1}', '{"count": "1"}'),
        ("text", "204\n", "404\n"),
        ("text", "204\n", "204\n204\n"),
    ],
)
def test_what_is_printed_otherwise_is_a_difference(form: str, wanted: str, printed: str) -> None:
    assert len(differences(Flow("", form, wanted, 1), printed)) == 1
