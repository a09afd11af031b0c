"""Collections: a page, a limit, and an opaque keyset cursor bound to the list and the filters that it came from."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote, urlencode
from uuid import UUID

import orjson
from fastapi import Depends, Query, Request
from pydantic import BaseModel, ConfigDict
from starlette.types import Scope

from monocoque import json
from monocoque.problems import CURSOR_INVALID, FieldError, Problem
from monocoque.replies import JsonReply, record

_MAC = 8
_UNBOUND = {"cursor", "limit"}


class Page[Item: BaseModel](BaseModel):
    """One page of a collection; `next_cursor` is null on the last."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    items: list[Item]
    next_cursor: str | None


def _by_id(row: Any) -> list[Any]:
    return [row["id"]]


class Paging:
    """What page a client asks for, and how it is answered."""

    __slots__ = ("_cursor", "_scope", "limit")

    def __init__(self, scope: Scope, limit: int, cursor: str | None) -> None:
        self._scope = scope
        self.limit = limit
        self._cursor = cursor

    @property
    def fetch(self) -> int:
        """Rows to read: one more than the page holds tells whether there is a next."""
        return self.limit + 1

    def position(self, length: int | None = None) -> list[Any] | None:
        """The sort values of the last item of the page before, or None.

        Raises a 422 for a cursor from elsewhere, or with another number of values where `length` tells how many there
        are: the list may have had another order when it was given.
        """
        if self._cursor is None:
            return None
        try:
            raw = base64.b64decode(self._cursor + "=" * (-len(self._cursor) % 4), altchars=b"-_", validate=True)
            mac, payload = raw[:_MAC], raw[_MAC:]
            keys = self._scope["app"].state.cursor_keys
            ours = any(hmac.compare_digest(mac, self._mac(payload, key)) for key in keys)
            position = orjson.loads(payload) if ours else None
        except (binascii.Error, ValueError):
            position = None
        if not isinstance(position, list) or length not in {None, len(position)}:
            raise Problem(
                CURSOR_INVALID,
                errors=[
                    FieldError("query/cursor", CURSOR_INVALID.code, "Use next_cursor as it came, or leave it out.")
                ],
            )
        return position

    def before(self) -> UUID | None:
        """The id that a list sorted by id, newest first, goes on from; raises a 422 for a cursor from elsewhere."""
        position = self.position()
        if position is None:
            return None
        return UUID(position[0])

    def page(
        self,
        rows: Sequence[Any],
        position: Callable[[Any], list[Any]] = _by_id,
        shown: Callable[[Any], Any] = record,
    ) -> JsonReply:
        """The reply for up to `fetch` rows.

        `position` gives a row's sort values, its id unless told otherwise; `shown` what of it the client gets, all of
        its columns unless told otherwise.
        """
        if len(rows) <= self.limit:
            return JsonReply({"items": [shown(row) for row in rows], "next_cursor": None})
        kept = rows[: self.limit]
        payload = json.dumps(position(kept[-1]))
        mac = self._mac(payload, self._scope["app"].state.cursor_keys[0])
        cursor = base64.urlsafe_b64encode(mac + payload).rstrip(b"=").decode()
        query = [pair for pair in self._query() if pair[0] not in _UNBOUND]
        target = f"{quote(self._scope['path'])}?{urlencode([*query, ('limit', str(self.limit)), ('cursor', cursor)])}"
        return JsonReply(
            {"items": [shown(row) for row in kept], "next_cursor": cursor},
            200,
            ((b"link", f'<{target}>; rel="next"'.encode()),),
        )

    def _query(self) -> list[tuple[str, str]]:
        return parse_qsl(self._scope["query_string"].decode("latin-1"), keep_blank_values=True)

    def _mac(self, payload: bytes, key: bytes) -> bytes:
        bound = sorted(pair for pair in self._query() if pair[0] not in _UNBOUND) if self._scope["query_string"] else []
        return hashlib.blake2b(orjson.dumps([self._scope["path"], bound]) + payload, key=key, digest_size=_MAC).digest()


async def paging(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=100, description="Items on a page.")] = 20,
    cursor: Annotated[
        str | None, Query(min_length=1, max_length=500, description="`next_cursor` of the page before.")
    ] = None,
) -> Paging:
    """The page asked for."""
    return Paging(request.scope, limit, cursor)


CurrentPage = Annotated[Paging, Depends(paging)]
