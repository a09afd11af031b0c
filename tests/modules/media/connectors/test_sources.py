"""What is asked of each vendor, page by page, and how often."""

from __future__ import annotations

import asyncio
import time

import pytest

from monocoque_media.connectors.igdb import FIELDS, quoted
from monocoque_media.contracts import MediaType, ProviderAnswerInvalid, ProviderUnavailable
from tests.modules.media.connectors.conftest import Connect
from tests.modules.media.vendors import Reply, Vendors, broken, film, limited, slow, song, volume

ALL = ("google_books", "tmdb", "igdb", "lastfm")


@pytest.mark.parametrize(
    ("source", "fits"),
    [("google_books", {"book"}), ("tmdb", {"movie", "tv"}), ("igdb", {"game"}), ("lastfm", {"music"})],
)
async def test_a_source_is_asked_only_for_what_it_has(
    source: str, fits: set[MediaType], connect: Connect, played: Vendors
) -> None:
    connector = connect()[source]
    assert connector.media_types == fits
    kinds: tuple[MediaType, ...] = ("book", "movie", "tv", "game", "music")
    for kind in kinds:
        played.requests.clear()
        found = await connector.search("x", media_type=kind)
        assert bool(found) is (kind in fits)
        assert bool(played.requests) is (kind in fits)
        assert {item.media_type for item in found} <= {kind}


@pytest.mark.parametrize("source", ALL)
async def test_a_query_without_text_asks_nobody(source: str, connect: Connect, played: Vendors) -> None:
    assert await connect()[source].search(" \n\0 ") == []
    assert not played.requests


@pytest.mark.parametrize(
    ("source", "catalogues", "wanted", "pages"),
    [
        ("google_books", ["volumes"], 100, 3),
        ("tmdb", ["movies", "series"], 100, 5),
        ("igdb", ["games"], 120, 3),
        ("lastfm", ["tracks", "albums"], 120, 6),
    ],
)
async def test_pages_are_fetched_until_there_is_enough(
    source: str, catalogues: list[str], wanted: int, pages: int, connect: Connect, played: Vendors
) -> None:
    for name in catalogues:
        played.sizes[name] = 200
    found = await connect()[source].search("x", max_results=wanted)
    assert len(found) == len({(item.kind, item.external_id) for item in found}) == wanted
    assert len(played.seen(source)) == pages


@pytest.mark.parametrize(("source", "pages"), [("google_books", 1), ("tmdb", 1), ("igdb", 1), ("lastfm", 2)])
async def test_a_short_catalogue_is_not_asked_for_more(
    source: str, pages: int, connect: Connect, played: Vendors
) -> None:
    found = await connect()[source].search("x", max_results=200)
    assert 3 <= len(found) <= 6
    assert len(played.seen(source)) == pages


async def test_never_more_than_was_asked_for(connect: Connect, played: Vendors) -> None:
    played.script("google_books", Reply({"items": [volume(number) for number in range(1, 30)]}))
    assert len(await connect()["google_books"].search("x", max_results=5)) == 5


async def test_what_there_is_survives_a_later_page_that_fails(connect: Connect, played: Vendors) -> None:
    played.sizes["volumes"] = 200
    google = connect(provider_attempts=1)["google_books"]
    played.script("google_books", Reply({"items": [volume(number) for number in range(1, 41)]}), broken())
    assert len(await google.search("x", max_results=100)) == 40


async def test_one_entry_that_does_not_map_never_loses_the_others(connect: Connect, played: Vendors) -> None:
    items = [volume(1), None, "text", {"id": "volume000002"}, {"volumeInfo": {"title": "No id"}}, volume(3)]
    played.script("google_books", Reply({"items": items}))
    found = await connect()["google_books"].search("x")
    assert [item.external_id for item in found] == ["volume000001", "volume000003"]


@pytest.mark.parametrize("body", [{"items": None}, {"items": "\n"}, {"totalItems": "many"}, {"items": {}}])
async def test_no_results_in_whatever_shape(body: dict[str, object], connect: Connect, played: Vendors) -> None:
    played.script("google_books", Reply(body))
    assert await connect()["google_books"].search("x") == []


async def test_a_page_that_is_short_of_a_few_is_not_the_last(connect: Connect, played: Vendors) -> None:
    first, second = [volume(number) for number in range(1, 39)], [volume(number) for number in range(39, 60)]
    played.script("google_books", Reply({"totalItems": 61, "items": first}), Reply({"totalItems": 59, "items": second}))
    assert len(await connect()["google_books"].search("x", max_results=80)) == 59


async def test_an_isbn_is_searched_as_one(connect: Connect, played: Vendors) -> None:
    google = connect()["google_books"]
    await google.search("978-0-14-143947-1")
    await google.search("978-0-14-143947-2")
    assert [request.query["q"] for request in played.requests] == ["isbn:9780141439471", "978-0-14-143947-2"]


async def test_books_of_another_year_are_left_out(connect: Connect, played: Vendors) -> None:
    items = [volume(1), volume(2, publishedDate="1831-10"), volume(3, publishedDate=None)]
    played.script("google_books", Reply({"items": items}))
    found = await connect()["google_books"].search("x", year=1818)
    assert [item.external_id[-1] for item in found] == ["1", "3"]


async def test_the_year_is_asked_of_tmdb_for_films_and_series_apart(connect: Connect, played: Vendors) -> None:
    found = await connect()["tmdb"].search("x", year=1927)
    assert {item.kind for item in found[:2]} == {"movie", "tv"}
    asked = {request.path: request.query for request in played.requests}
    assert asked["/search/movie"]["primary_release_year"] == "1927"
    assert asked["/search/tv"]["first_air_date_year"] == "1927"


async def test_a_person_among_the_results_of_tmdb_is_left_out(connect: Connect, played: Vendors) -> None:
    person = {"id": 7, "media_type": "person", "name": "Fritz Lang", "known_for": [film()]}
    played.script("tmdb", Reply({"results": [person, {**film(), "media_type": "movie"}], "total_pages": 1}))
    assert [item.kind for item in await connect()["tmdb"].search("lang")] == ["movie"]


async def test_a_film_is_fetched_with_its_credits_in_one_call(connect: Connect, played: Vendors) -> None:
    item = await connect()["tmdb"].fetch("movie/1")
    assert (item.title, item.creators) == ("Metropolis", ("Fritz Lang",))
    assert [request.query["append_to_response"] for request in played.requests] == ["credits,external_ids"]


@pytest.mark.parametrize(
    ("text", "string"),
    [
        ("god of war", '"god of war"'),
        ('"; fields password; where name = "x', r'"\"; fields password; where name = \"x"'),
        ("back\\slash\\", r'"back\\slash\\"'),
        ('\\"', r'"\\\""'),
    ],
)
def test_apicalypse_strings_cannot_be_left(text: str, string: str) -> None:
    assert quoted(text) == string


def test_only_fields_that_igdb_documents_are_asked_for() -> None:
    # As of its protocol buffers of 2025: a name that is none makes the whole query a 400.
    documented = {
        "genres": {"name"},
        "themes": {"name"},
        "game_modes": {"name"},
        "platforms": {"name", "abbreviation"},
        "involved_companies": {"company"},
        "websites": {"url"},
    }
    asked = FIELDS.removeprefix("fields ").removesuffix(";").split(",")
    assert {name for name in asked if name.endswith("*")} == {"*", "cover.*", "involved_companies.*", "release_dates.*"}
    for name in asked:
        relation, _, field = name.partition(".")
        assert field in {"", "*", "company.name"} or field in documented[relation], name


async def test_games_are_asked_in_apicalypse(connect: Connect, played: Vendors) -> None:
    await connect()["igdb"].search('tetris"; limit 500;', year=1984, max_results=7)
    body = played.seen("igdb")[0].body
    assert body.startswith(r'search "tetris\"; limit 500;"; fields ')
    assert body.endswith(" where first_release_date >= 441763200 & first_release_date < 473385600; limit 7; offset 0;")


@pytest.mark.parametrize("year", [-1, 0, 1, 9999, 10**9])
async def test_a_year_out_of_all_bounds_is_no_error(year: int, connect: Connect) -> None:
    connectors = connect()
    for source in ALL:
        await connectors[source].search("x", year=year)


async def test_a_token_is_kept(connect: Connect, played: Vendors) -> None:
    igdb = connect()["igdb"]
    await asyncio.gather(igdb.fetch("1"), igdb.fetch("2"), igdb.fetch("3"))
    assert len(played.seen("twitch")) == 1
    assert len(played.seen("igdb")) == 3


async def test_a_token_that_is_refused_is_renewed_once(connect: Connect, played: Vendors) -> None:
    igdb = connect()["igdb"]
    await igdb.fetch("1")
    played.token = "token-2"
    assert (await igdb.fetch("2")).title == "Tetris 2"
    assert len(played.seen("twitch")) == 2
    assert len(played.seen("igdb")) == 3


async def test_a_new_token_that_is_refused_too_is_our_keys_trouble(connect: Connect, played: Vendors) -> None:
    played.script("twitch", *[Reply({"access_token": "wrong", "expires_in": 5000})] * 3)
    with pytest.raises(ProviderUnavailable, match="refused our key"):
        await connect()["igdb"].fetch("1")
    assert len(played.seen("twitch")) == 2


async def test_a_token_is_renewed_before_it_ends(connect: Connect, played: Vendors) -> None:
    igdb = connect()["igdb"]
    played.script("twitch", Reply({"access_token": played.token, "expires_in": 1}))
    await igdb.fetch("1")
    await asyncio.sleep(0.6)
    await igdb.fetch("2")
    assert len(played.seen("twitch")) == 2


@pytest.mark.parametrize("status", [400, 403])
async def test_a_refused_client_is_our_keys_trouble(status: int, connect: Connect, played: Vendors) -> None:
    played.always("twitch", Reply({"status": status, "message": "invalid client secret"}, status))
    with pytest.raises(ProviderUnavailable, match="client id or secret"):
        await connect()["igdb"].fetch("1")
    assert not played.seen("igdb")


@pytest.mark.parametrize(
    "body",
    [{}, [], {"access_token": 7, "expires_in": 1}, {"access_token": "a\nb", "expires_in": 9}, {"access_token": "a"}],
)
async def test_a_token_that_is_none_is_an_invalid_answer(body: object, connect: Connect, played: Vendors) -> None:
    played.always("twitch", Reply(body))
    with pytest.raises(ProviderAnswerInvalid):
        await connect()["igdb"].fetch("1")


async def test_twitch_that_fails_once_is_asked_again(connect: Connect, played: Vendors) -> None:
    played.script("twitch", broken())
    assert (await connect()["igdb"].fetch("1")).title == "Tetris"


async def test_igdb_gets_four_requests_a_second(connect: Connect, played: Vendors) -> None:
    played.sizes["games"] = 10
    igdb = connect()["igdb"]
    started = time.perf_counter()
    await asyncio.gather(*(igdb.fetch(str(number)) for number in range(1, 7)))
    assert time.perf_counter() - started >= 1.2


@pytest.mark.parametrize("code", [10, 26, 4])
async def test_a_key_that_lastfm_refuses_under_status_200(code: int, connect: Connect, played: Vendors) -> None:
    played.always("lastfm", Reply({"error": code, "message": "Invalid API key"}))
    with pytest.raises(ProviderUnavailable, match="refused our key"):
        await connect()["lastfm"].search("x")


async def test_lastfm_that_is_offline_under_status_200_is_asked_again(connect: Connect, played: Vendors) -> None:
    played.script("lastfm", Reply({"error": 11, "message": "Service Offline"}), Reply({"error": "16", "message": ""}))
    assert (await connect()["lastfm"].fetch("album/Erik%20Satie/Gymnop%C3%A9die%20No.%202")).kind == "album"
    assert len(played.seen("lastfm")) == 3


async def test_lastfms_limit_under_status_200_is_waited_out(connect: Connect, played: Vendors) -> None:
    played.script("lastfm", Reply({"error": 29, "message": "Rate limit exceeded"}), limited("0"))
    assert len(await connect()["lastfm"].search("x")) == 6


async def test_an_error_of_lastfm_without_a_meaning_is_an_invalid_answer(connect: Connect, played: Vendors) -> None:
    played.always("lastfm", Reply({"error": ["?"]}))
    with pytest.raises(ProviderAnswerInvalid):
        await connect()["lastfm"].search("x")


async def test_a_track_that_only_repeats_the_question_is_unknown(connect: Connect, played: Vendors) -> None:
    echo = song(1, name="Fake Track", listeners="2", duration="0", toptags={"tag": []})
    played.script("lastfm", Reply({"track": echo}), Reply({"track": {**echo, "duration": "157000"}}))
    lastfm = connect()["lastfm"]
    with pytest.raises(Exception, match="knows nothing") as caught:
        await lastfm.fetch("track/Erik%20Satie/Fake%20Track")
    assert type(caught.value).__name__ == "ItemUnknown"
    assert (await lastfm.fetch("track/Erik%20Satie/Fake%20Track")).title == "Fake Track"


async def test_an_mbid_is_taken_too(connect: Connect, played: Vendors) -> None:
    played.script("lastfm", Reply({"track": song()}))
    item = await connect()["lastfm"].fetch("track/30CB03F3-bd95-43b0-9d41-6d75e13cd353")
    assert item.external_id == "track/Erik%20Satie/Gymnop%C3%A9die%20No.%201"
    assert played.requests[0].query["mbid"] == "30cb03f3-bd95-43b0-9d41-6d75e13cd353"


@pytest.mark.parametrize("source", ALL)
async def test_what_a_search_finds_can_be_fetched(source: str, connect: Connect) -> None:
    connector = connect()[source]
    for item in (await connector.search("x"))[:4]:
        fetched = await connector.fetch(item.external_id)
        assert (fetched.kind, fetched.external_id, fetched.title) == (item.kind, item.external_id, item.title)


async def test_equal_calls_at_once_are_one_request(connect: Connect, played: Vendors) -> None:
    google, answering = connect()["google_books"], asyncio.Event()
    played.script("google_books", Reply(volume(), until=answering))
    asking = asyncio.gather(*(google.fetch("volume000001") for _ in range(20)))
    await played.asked("google_books")
    answering.set()
    found = await asking
    assert {item.title for item in found} == {"Frankenstein"}
    assert len(played.requests) == 1
    await google.fetch("volume000001")
    assert len(played.requests) == 2


async def test_equal_calls_at_once_share_their_failure(connect: Connect, played: Vendors) -> None:
    google, answering = connect(provider_attempts=1)["google_books"], asyncio.Event()
    played.script("google_books", broken().when(answering))
    asking = asyncio.gather(*(google.fetch("volume000001") for _ in range(5)), return_exceptions=True)
    await played.asked("google_books")
    answering.set()
    found = await asking
    assert {type(error) for error in found} == {ProviderUnavailable}
    assert len(played.requests) == 1


async def test_one_who_leaves_does_not_take_the_call_from_the_others(connect: Connect, played: Vendors) -> None:
    google, answering = connect()["google_books"], asyncio.Event()
    played.script("google_books", Reply(volume(), until=answering))
    first = asyncio.create_task(google.fetch("volume000001"))
    second = asyncio.create_task(google.fetch("volume000001"))
    await played.asked("google_books")
    first.cancel()
    await asyncio.wait([first])
    answering.set()
    assert (await second).title == "Frankenstein"
    assert first.cancelled()
    assert len(played.requests) == 1


async def test_a_call_that_nobody_waits_for_is_broken_off(connect: Connect, played: Vendors) -> None:
    google = connect()["google_books"]
    played.script("google_books", slow())
    caller = asyncio.create_task(google.fetch("volume000001"))
    await played.asked("google_books")
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    assert google.health().breaker == "closed"
    # Not the slow one's answer: a call of its own.
    assert (await google.fetch("volume000001")).title == "Frankenstein"
    assert len(played.requests) == 2


async def test_closing_breaks_calls_off(connect: Connect, played: Vendors) -> None:
    google = connect()["google_books"]
    played.always("google_books", slow())
    caller = asyncio.create_task(google.fetch("volume000001"))
    await played.asked("google_books")
    await google.close()
    with pytest.raises(ProviderUnavailable, match="shut down"):
        await caller
