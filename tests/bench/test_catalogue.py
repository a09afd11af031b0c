"""The made-up catalogue is the same each time, and fills the tables that the search reads."""

import itertools
from collections import Counter

import asyncpg

from bench import catalogue
from bench.catalogue import item_id, searches, titles, vocabulary


def test_it_is_the_same_each_time_and_a_larger_one_begins_as_a_smaller_one() -> None:
    small, large = list(catalogue.items(50)), list(itertools.islice(catalogue.items(500), 50))
    assert small == large
    assert len({item["id"] for item in catalogue.items(2000)}) == 2000
    assert {item_id(number).version for number in range(100)} == {7}
    assert {item_id(number).variant for number in range(100)} == {"specified in RFC 4122"}


def test_few_words_are_frequent_and_most_are_rare() -> None:
    counted = Counter(word for title in titles(20_000) for word in title)
    first, second, tenth = (counted[vocabulary()[rank]] for rank in (0, 1, 9))
    assert 1.8 < first / second < 2.2
    assert 8 < first / tenth < 12
    assert len(counted) > 15_000


async def test_filling_leaves_every_index_and_every_word(migrated_database_url: str) -> None:
    connection = await asyncpg.connect(migrated_database_url)
    indexes = (
        "SELECT array_agg(indexname::text ORDER BY indexname) FROM pg_indexes WHERE schemaname = 'monocoque_media'"
    )
    before = await connection.fetchval(indexes)
    heard: list[int] = []
    await catalogue.fill(migrated_database_url, 300, announce=heard.append)
    assert heard == [300]
    assert await connection.fetchval(indexes) == before
    for table, expected in (("items", 300), ("sources", 300), ("book_items", 60), ("movie_items", 120)):
        assert await connection.fetchval(f"SELECT count(*) FROM monocoque_media.{table}") == expected
    assert await connection.fetchval("SELECT count(*) FROM monocoque_media.items WHERE search IS NULL") == 0
    word = next(catalogue.items(1))["title"].split()[0].lower()
    assert await connection.fetchval("SELECT count(*) FROM monocoque_media.words WHERE word = $1", word) == 1
    await connection.close()


def test_searches_ask_for_three_words_of_a_title() -> None:
    case = searches(1000, token="made-up", path="/search", requests=200)
    known = [set(title) for title in titles(1000)]
    asked = [request.split(b" ")[1].decode().removeprefix("/search?q=").split("+") for request in case.requests]
    assert all(len(words) == 3 for words in asked)
    whole = [words for words in asked if any(set(words) <= title for title in known)]
    begun = [words for words in asked if words not in whole]
    assert len(whole) > 100
    assert 10 < len(begun) < 80
    assert all(any(word.startswith(words[2]) for title in known for word in title) for words in begun)
