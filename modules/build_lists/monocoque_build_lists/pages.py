"""The page of a shared build list, by the token of its share."""

from __future__ import annotations

from collections import Counter

from fastapi import Request
from starlette.responses import Response

from monocoque.conditional import IfNoneMatch
from monocoque.pages import Card, PageRouter, Pages
from monocoque.runtime import Db, runtime_of
from monocoque_build_lists import service
from monocoque_build_lists.export import car_text
from monocoque_build_lists.schemas import STATUSES, ExportFormat, MoneyRead, SharedBuildList, Token

PATH = "/l"
"""Where the pages are, as `module.py` says."""

router = PageRouter()
_pages = Pages("monocoque_build_lists")
_HEADERS = ((b"cache-control", b"no-cache"),)
_EXPORTS = {
    ExportFormat.MARKDOWN: "Markdown",
    ExportFormat.BBCODE: "BBCode",
    ExportFormat.CSV: "CSV",
    ExportFormat.TEXT: "Text",
    ExportFormat.JSON: "JSON",
}
_TONES = {"wanted": "grey", "ordered": "amber", "received": "blue", "installed": "green"}


@router.get("/{token}", summary="Read a shared build list")
async def get_shared_page(token: Token, request: Request, db: Db, if_none_match: IfNoneMatch = None) -> Response:
    """A build list as its owner shares it."""
    return await shared_page(request, token, await service.find_shared(db, token), if_none_match)


async def shared_page(request: Request, token: str, content: bytes, if_none_match: str | None) -> Response:
    """The page of what a token opens, given as JSON."""
    build_list = SharedBuildList.model_validate_json(content)
    car = car_text(build_list.car)
    totals = [money_text(total) for total in build_list.totals]
    counts: Counter[str] = Counter(item.status for item in build_list.items)
    facts = [
        "1 item" if len(build_list.items) == 1 else f"{len(build_list.items)} items",
        *(f"{counts[status]} {status}" for status in STATUSES if counts[status]),
    ]
    card = Card(
        title=build_list.name,
        description=build_list.description or ", ".join([*([car] if car else []), facts[0], *totals]),
        path=f"{PATH[1:]}/{token}",
        indexed=False,
    )
    return await _pages.reply(
        request,
        "build_list.html",
        card,
        if_none_match=if_none_match,
        headers=_HEADERS,
        build_list=build_list,
        car=car,
        facts=facts,
        totals=totals,
        unpriced=sum(item.line_total is None for item in build_list.items),
        money_text=money_text,
        tones=_TONES,
        export=f"{runtime_of(request.scope).settings.api_prefix[1:]}/public/build-lists/{token}/export",
        forms=_EXPORTS,
    )


def money_text(money: MoneyRead) -> str:
    """An amount as people read it: `1,234.50 EUR`, which stays on one line."""
    whole, point, places = money.amount.partition(".")
    return f"{int(whole):,}{point}{places}\u00a0{money.currency}"
