from pathlib import Path

import pytest

from tests.architecture.workspace import copy_workspace


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the sources in which a violation can be planted."""
    return copy_workspace(tmp_path / "workspace")
