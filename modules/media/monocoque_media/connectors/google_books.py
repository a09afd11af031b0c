"""Google Books."""

from __future__ import annotations

from monocoque_media import isbn
from monocoque_media.connectors.base import Source, member, of_year
from monocoque_media.connectors.cleaning import entries, line, whole
from monocoque_media.connectors.http import Answer, Call, Fault, Http, Keys
from monocoque_media.connectors.mapping_google_books import ID, SOURCE, map_volume
from monocoque_media.contracts import MediaType, NormalisedItem
from monocoque_media.settings import MediaSettings

_LIMITS = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "dailyLimitExceeded", "quotaExceeded"})


class GoogleBooks(Source):
    """Books, by the volumes of Google Books; without a key nearly every call is refused, so a key is needed."""

    name = SOURCE
    media_types: frozenset[MediaType] = frozenset({"book"})
    page_size = 40

    def __init__(self, settings: MediaSettings) -> None:
        key = settings.google_books_api_key
        keys = Keys(parameters={"key": key.get_secret_value()}) if key else None
        super().__init__(settings, Http(SOURCE, settings.google_books_base_url, settings, keys), configured=bool(key))

    async def search(
        self, query: str, *, media_type: MediaType | None = None, year: int | None = None, max_results: int = 20
    ) -> list[NormalisedItem]:
        """Books; a query that is an ISBN finds that ISBN."""
        wanted = line(query, 300)
        if not wanted or media_type not in (None, "book"):
            return []
        number = isbn.normalise_isbn(wanted)
        asked = f"isbn:{number}" if number else wanted

        async def page(index: int) -> tuple[list[NormalisedItem], bool]:
            size = min(self.page_size, max_results)
            document = await self.call(
                Call(
                    "/volumes",
                    (
                        ("q", asked),
                        ("startIndex", str(index * self.page_size)),
                        ("maxResults", str(size)),
                        ("printType", "books"),
                        ("country", self.settings.google_books_country),
                    ),
                )
            )
            items = entries(member(self.expected(document), "items"))
            # A page may be short of a few; the total is an estimate, but the only one.
            total = whole(member(document, "totalItems"), 0)
            last = len(items) < size if total is None else (index + 1) * self.page_size >= total
            return of_year(self.mapped(map_volume, items), year), last or not items

        return await self.pages(max_results, page)

    async def fetch(self, external_id: str) -> NormalisedItem:
        """A volume by its id, with everything that Google knows."""
        if not ID.fullmatch(external_id):
            raise self.unknown(external_id)
        country = (("country", self.settings.google_books_country),)
        return map_volume(await self.call(Call(f"/volumes/{external_id}", country)))

    def fault_of(self, answer: Answer) -> Fault | None:
        error = member(answer.document, "error")
        reasons = {str(member(entry, "reason")) for entry in entries(member(error, "errors"))}
        if answer.status == 403 and reasons & _LIMITS:
            return self.limited(answer, again=False)
        if answer.status == 429:
            # What is used up until tomorrow is not there in a second.
            return self.limited(answer, again="per day" not in str(member(error, "message")))
        if answer.status == 400 and "keyInvalid" in reasons | {str(r) for r in _details(error)}:
            return self.refused_key()
        return super().fault_of(answer)


def _details(error: object) -> list[object]:
    """The newer errors of Google name a wrong key as API_KEY_INVALID among their details."""
    found = [member(entry, "reason") for entry in entries(member(error, "details"))]
    return ["keyInvalid" if reason == "API_KEY_INVALID" else reason for reason in found]
