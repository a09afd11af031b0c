"""Conditional requests (RFC 9110, 13): the header parameters, and what they ask of a row version."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Header

from monocoque.problems import PRECONDITION_FAILED, FieldError, Problem

_TAG = re.compile(r'^(W/)?"([\x21\x23-\x7e]*)"$')
_VERSION = re.compile(r"[1-9][0-9]{0,8}")

IfNoneMatch = Annotated[
    str | None,
    Header(alias="If-None-Match", max_length=1000, description="ETag of the copy at hand; 304 when it is current."),
]


async def expected_versions(
    if_match: Annotated[
        str | None,
        Header(
            alias="If-Match", max_length=1000, description="ETag of the version to be changed; 412 when it is stale."
        ),
    ] = None,
) -> list[int] | None:
    """The row versions that If-Match allows, or None for any; raises a 412 for a header that no version can match."""
    if if_match is None or if_match.strip() == "*":
        return None
    versions = []
    for part in if_match.split(","):
        match = _TAG.fullmatch(part.strip())
        # Weak tags never match here (strong comparison), nor do tags that are not ours.
        if match and not match[1] and _VERSION.fullmatch(match[2]):
            versions.append(int(match[2]))
    if not versions:
        raise Problem(
            PRECONDITION_FAILED,
            errors=[FieldError("header/If-Match", "request.stale", 'Give the ETag as it was received, such as "3".')],
        )
    return versions


async def only_new(
    if_none_match: Annotated[
        str | None,
        Header(
            alias="If-None-Match", pattern=r"^\*$", description="`*` to create it only; 412 when it is there already."
        ),
    ] = None,
) -> bool:
    """Whether a PUT, which may create, is to replace nothing."""
    return if_none_match is not None


def there_already() -> Problem:
    """The 412 for what was to be created only."""
    detail = "It is there already; get it and repeat the change on it."
    return Problem(
        PRECONDITION_FAILED, detail, errors=[FieldError("header/If-None-Match", PRECONDITION_FAILED.code, detail)]
    )


ExpectedVersions = Annotated[list[int] | None, Depends(expected_versions)]
OnlyNew = Annotated[bool, Depends(only_new)]
