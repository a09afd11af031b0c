"""A walkthrough as a Postman collection, format 2.1."""

from __future__ import annotations

import json
import re
from typing import Any

from monocoque.cli.contracts.walkthrough import Parameter, Step, Walkthrough

_SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"


def postman_text(walkthrough: Walkthrough) -> str:
    """The collection as it is committed in `contracts/postman.json`."""
    document = {
        "info": {"name": walkthrough.title, "description": walkthrough.description, "schema": _SCHEMA},
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{accessToken}}", "type": "string"}]},
        "variable": [{"key": name, "value": value} for name, value in walkthrough.variables.items()],
        "item": [
            {"name": folder.name, "description": folder.description, "item": [_item(step) for step in folder.steps]}
            for folder in walkthrough.folders
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _item(step: Step) -> dict[str, Any]:
    script = {"type": "text/javascript", "exec": _script(step)}
    return {"name": step.name, "event": [{"listen": "test", "script": script}], "request": _request(step)}


def _request(step: Step) -> dict[str, Any]:
    request: dict[str, Any] = {"method": step.operation.method.upper(), "description": step.operation.description}
    if not step.operation.needs_sign_in:
        request["auth"] = {"type": "noauth"}
    request["header"] = [_pair(header) for header in step.headers]
    request["url"] = _url(step)
    if step.body_type is not None:
        request["body"] = _body(step)
        if request["body"]["mode"] == "raw":
            request["header"].insert(0, {"key": "Content-Type", "value": step.body_type})
    return request


def _url(step: Step) -> dict[str, Any]:
    sent = "&".join(f"{one.name}={one.value}" for one in step.query if one.sent)
    url: dict[str, Any] = {"raw": f"{{{{baseUrl}}}}{step.path}" + (f"?{sent}" if sent else "")}
    url |= {"host": ["{{baseUrl}}"], "path": step.path.strip("/").split("/")}
    if step.query:
        url["query"] = [_pair(one) for one in step.query]
    return url


def _pair(parameter: Parameter) -> dict[str, Any]:
    pair: dict[str, Any] = {"key": parameter.name, "value": parameter.value, "description": parameter.description}
    return pair if parameter.sent else {**pair, "disabled": True}


def _body(step: Step) -> dict[str, Any]:
    if step.body_type == "application/x-www-form-urlencoded":
        return {"mode": "urlencoded", "urlencoded": [{"key": key, "value": value} for key, value in step.body.items()]}
    if step.body_type == "application/json":
        text = json.dumps(step.body, indent=2, ensure_ascii=False)
        return {"mode": "raw", "raw": text, "options": {"raw": {"language": "json"}}}
    return {"mode": "raw", "raw": step.body}


def _script(step: Step) -> list[str]:
    wanted = " or ".join(map(str, step.statuses))
    lines = [f'pm.test("answers {wanted}", () => pm.expect(pm.response.code).to.be.oneOf({step.statuses}));']
    if step.keep:
        lines += ["if (pm.response.code < 300) {", "    const reply = pm.response.json();"]
        lines += [
            f'    pm.collectionVariables.set("{name}", {member("reply", place)});' for name, place in step.keep.items()
        ]
        lines.append("}")
    return lines


def member(root: str, place: str) -> str:
    """A place in a document, such as `items.0.id`, as JavaScript has it."""
    return root + re.sub(r"\.(\d+)", r"[\1]", f".{place}")
