"""Reads pages as a browser does, so that tests ask for what is there and not for how it is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx

BROWSER = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
}
"""What a browser sends that was given an address."""
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' https:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_VOID = {"meta", "link", "img", "br", "hr", "input", "path", "rect", "circle", "use"}


@dataclass
class Element:
    """A tag with its attributes and all the text within."""

    tag: str
    attributes: dict[str, str | None]
    text: str = ""


@dataclass
class Page:
    """The elements of a page, in order."""

    elements: list[Element] = field(default_factory=list)

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """Every element with this tag and these attributes."""
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [
            element
            for element in self.elements
            if element.tag == tag and all(element.attributes.get(name) == value for name, value in wanted.items())
        ]

    def texts(self, tag: str, **attributes: str) -> list[str]:
        return [element.text.strip() for element in self.all(tag, **attributes)]

    def meta(self, name: str) -> str | None:
        """What a meta element of this name or property says."""
        found = [*self.all("meta", name=name), *self.all("meta", property=name)]
        assert len(found) <= 1, name
        return found[0].attributes["content"] if found else None

    def link(self, rel: str) -> str | None:
        found = self.all("link", rel=rel)
        assert len(found) <= 1, rel
        return found[0].attributes["href"] if found else None


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self._open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        element = Element(tag, dict(attrs))
        self.page.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.elements.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag, tag

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def close(self) -> None:
        super().close()
        assert not self._open


def read(reply: httpx.Response, status: int = 200) -> Page:
    """The page that a reply is; fails where it is none, is not well-formed, or brings scripts or styles of its own."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.headers.get_list("content-security-policy") == [POLICY]
    assert "Accept" in reply.headers["vary"].split(", ")
    assert reply.text.startswith("<!doctype html>")
    reader = _Reader()
    reader.feed(reply.text)
    reader.close()
    page = reader.page
    for element in page.elements:
        assert element.tag not in {"script", "style", "iframe", "object", "embed", "base", "form"}
        for name, value in element.attributes.items():
            assert not name.startswith("on")
            assert name != "style"
            if name in {"href", "src"}:
                assert value is not None
                assert not value.strip().lower().startswith(("javascript:", "data:", "vbscript:"))
    assert [element.attributes["lang"] for element in page.all("html")] == ["en"]
    assert len(page.all("main")) == len(page.all("h1")) == 1
    return page
