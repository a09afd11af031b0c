"""The OpenAPI document against the running application: generated requests get no 5xx and no undocumented reply."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.cast import Stage, set_stage
from tests.e2e.process import PATIENCE, Served, environment

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
ENDS_THE_SESSION = (
    "auth_log_out",
    "auth_delete_me",
    "auth_change_password",
    "auth_end_session",
    "auth_end_other_sessions",
)


@pytest.fixture
async def served(tmp_path: Path, migrated_database_url: str) -> AsyncIterator[tuple[Served, Stage]]:
    # Thousands of wrong passwords from one address are the point here, not an attack.
    variables = {
        "DATABASE_URL": migrated_database_url,
        "MONOCOQUE_AUTH_LOGIN_ATTEMPTS_PER_ADDRESS": "1000000",
        "MONOCOQUE_AUTH_LOGIN_ATTEMPTS_PER_ACCOUNT": "1000000",
        # One token has to last for all of it.
        "MONOCOQUE_AUTH_ACCESS_TOKEN_MINUTES": "55",
    }
    with Served(tmp_path, variables=variables) as running:
        async with httpx.AsyncClient(base_url=f"{running.base}/api/v1", timeout=PATIENCE) as client:
            yield running, await set_stage(client)


def generate(served: Served, token: str, folder: Path, *selection: str) -> subprocess.CompletedProcess[str]:
    """Call the operations with what the document allows and with what it forbids."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "schemathesis.cli",
            "run",
            f"{served.base}/openapi.json",
            *("--header", f"Authorization: Bearer {token}"),
            *("--checks", CHECKS),
            *("--phases", "examples,coverage,fuzzing"),
            *("--max-examples", "12"),
            *("--seed", "20260101"),
            *("--request-timeout", str(PATIENCE)),
            *("--suppress-health-check", "too_slow"),
            "--no-color",
            "--continue-on-failure",
            *selection,
        ],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=3000,
        check=False,
    )


@pytest.mark.slow
async def test_no_generated_request_is_answered_in_a_way_that_the_document_does_not_know(
    served: tuple[Served, Stage], tmp_path: Path
) -> None:
    running, stage = served
    others = [option for name in ENDS_THE_SESSION for option in ("--exclude-operation-id", name)]
    done = generate(running, stage.owner.access_token, tmp_path, *others)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    await stage.owner.login()
    enders = [option for name in ENDS_THE_SESSION for option in ("--include-operation-id", name)]
    done = generate(running, stage.owner.access_token, tmp_path, *enders)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    # What PostgreSQL had to refuse is a hole in an input type, even where the reply was a clean 422.
    assert "PostgreSQL had to refuse" not in running.output()
