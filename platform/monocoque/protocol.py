"""The HTTP protocol of the server, where it answers before any application could."""

from __future__ import annotations

from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from monocoque import json
from monocoque.problems import BAD_REQUEST, CONTENT_TYPE, Problem


class Protocol(HttpToolsProtocol):
    """uvicorn's, whose answer to what is no HTTP request is a problem document as well."""

    def close_with_the_reply(self) -> None:
        """Let the request under way be the last on this connection."""
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's message says less than ours
        """Answer a request that cannot be parsed, and close the connection."""
        request_id = uuid4().hex
        problem = Problem(BAD_REQUEST, "This is no valid HTTP request.")
        body = json.dumps(problem.document(instance="/", request_id=request_id))
        head = (
            f"content-type: {CONTENT_TYPE}\r\ncontent-length: {len(body)}\r\nx-request-id: {request_id}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(STATUS_LINE[400] + head.encode() + body)
        self.transport.close()
