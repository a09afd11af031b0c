"""A walkthrough as a Bruno collection: the OpenCollection files that Bruno 3 and its command line open."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from monocoque.cli.contracts.postman import member
from monocoque.cli.contracts.walkthrough import Folder, Parameter, Step, Walkthrough
from monocoque.failures import StartupError

ENVIRONMENT = "local"
_ROOT = "opencollection.yml"


def bruno_files(walkthrough: Walkthrough) -> dict[str, str]:
    """The files of the collection as they are committed in `contracts/bruno/`, by their paths in it."""
    kept = {name for step in walkthrough.steps for name in step.keep}
    settled = [
        {"name": name, "value": value} for name, value in walkthrough.variables.items() if value or name not in kept
    ]
    files: dict[str, Any] = {
        _ROOT: {
            "opencollection": "1.0.0",
            "info": {"name": walkthrough.title, "version": "1"},
            "request": {"auth": {"type": "bearer", "token": "{{accessToken}}"}},
            "docs": {"content": walkthrough.description, "type": "text/markdown"},
            "bundled": False,
        },
        f"environments/{ENVIRONMENT}.yml": {"name": ENVIRONMENT, "variables": settled},
    }
    for place, folder in enumerate(walkthrough.folders, start=1):
        files |= _folder(folder, place)
    return {path: _yaml(content) for path, content in files.items()}


def write_files(files: dict[str, str], folder: Path) -> None:
    """Write a collection over the one in a folder; raises StartupError for a folder that holds something else."""
    old = list(folder.rglob("*.yml"))
    if folder.exists() and folder / _ROOT not in old and any(folder.iterdir()):
        raise StartupError(f"{folder} holds something else than a collection.", hint="Give a new or an empty folder.")
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    for found in old:
        if found.relative_to(folder).as_posix() not in files:
            found.unlink()


def _folder(folder: Folder, place: int) -> dict[str, Any]:
    path = folder.name.replace(" ", "-")
    info: dict[str, Any] = {"info": {"name": folder.name, "type": "folder", "seq": place}}
    info["request"] = {"auth": "inherit"}
    if folder.description:
        info["docs"] = {"content": folder.description, "type": "text/markdown"}
    files = {f"{path}/folder.yml": info}
    for place_in_folder, step in enumerate(folder.steps, start=1):
        name = step.operation.id.removeprefix(f"{step.operation.tag.replace('-', '_')}_")
        files[f"{path}/{name}.yml"] = _request(step, place_in_folder)
    return files


def _request(step: Step, place: int) -> dict[str, Any]:
    sent = "&".join(f"{one.name}={one.value}" for one in step.query if one.sent)
    http: dict[str, Any] = {
        "method": step.operation.method.upper(),
        "url": f"{{{{baseUrl}}}}{step.path}" + (f"?{sent}" if sent else ""),
    }
    headers = [_pair(header) for header in step.headers]
    if step.body_type is not None and step.body_type.startswith("multipart/"):
        headers.insert(0, {"name": "Content-Type", "value": step.body_type})
    if headers:
        http["headers"] = headers
    if step.query:
        http["params"] = [{**_pair(one), "type": "query"} for one in step.query]
    if step.body_type is not None:
        http["body"] = _body(step)
    if step.operation.needs_sign_in:
        http["auth"] = "inherit"
    return {
        "info": {"name": step.name, "type": "http", "seq": place},
        "http": http,
        "runtime": {"scripts": list(_scripts(step))},
        "docs": step.operation.description,
    }


def _scripts(step: Step) -> Iterator[dict[str, str]]:
    # Scripts, though assertions and actions would say it shorter: to those of the first request the command line comes
    # before its safe sandbox is up.
    if step.keep:
        lines = (f'    bru.setVar("{name}", {member("res.body", place)});' for name, place in step.keep.items())
        yield {"type": "after-response", "code": "\n".join(["if (res.status < 300) {", *lines, "}"])}
    wanted = " or ".join(map(str, step.statuses))
    yield {
        "type": "tests",
        "code": f'test("answers {wanted}", () => expect(res.status).to.be.oneOf({step.statuses}));',
    }


def _pair(parameter: Parameter) -> dict[str, Any]:
    pair: dict[str, Any] = {
        "name": parameter.name,
        "value": parameter.value,
        "description": parameter.description,
    }
    return pair if parameter.sent else {**pair, "disabled": True}


def _body(step: Step) -> dict[str, Any]:
    if step.body_type == "application/x-www-form-urlencoded":
        entries = [{"name": name, "value": value} for name, value in step.body.items()]
        return {"type": "form-urlencoded", "data": entries}
    if step.body_type == "application/json":
        return {"type": "json", "data": json.dumps(step.body, indent=2, ensure_ascii=False)}
    return {"type": "text", "data": step.body}


def _yaml(content: Any) -> str:
    import yaml  # noqa: PLC0415  no other command needs it

    class Dumper(yaml.SafeDumper):
        """Text of several lines stays readable."""

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        several = "\n" in value and "\r" not in value
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if several else None)

    Dumper.add_representer(str, text)
    return yaml.dump(content, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)
