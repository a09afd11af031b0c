"""What the search needs can be taken away and made again over data."""

from __future__ import annotations

from typing import Any

import asyncpg

from monocoque.migration import chains
from monocoque.registry import Inventory
from monocoque_media.queries.search import SEARCH
from monocoque_migrations import compare, downgrade, upgrade

ADD = "INSERT INTO monocoque_media.items (id, media_type, title, release_date, release_precision) VALUES "
FOUND = "SELECT count(*) FROM monocoque_media.items WHERE search @@ '''solaris'' & ''type:book'' & ''year:1961'''"
SIGNED = "SELECT count(*) FROM monocoque_media.items WHERE search @@ '''has:%'''"
WORDS = "SELECT array_agg(word ORDER BY word) FROM monocoque_media.words"
SEARCHING = (
    "SELECT count(*) FROM pg_proc WHERE pronamespace = 'monocoque_media'::regnamespace "
    "AND proname IN ('search_words', 'search_document', 'write_search_document', 'collect_words')"
)


async def test_the_schema_is_what_the_models_say(migrated_database_url: str, inventory: Inventory) -> None:
    [chain] = [chain for chain in chains(inventory) if chain.name == "media"]
    assert await compare(migrated_database_url, chain) == []


async def test_it_goes_down_over_data_and_up_again(migrated_database_url: str, inventory: Inventory) -> None:
    url, known = migrated_database_url, chains(inventory)
    connection = await asyncpg.connect(url, statement_cache_size=0)
    await connection.execute(f"{ADD} (gen_random_uuid(), 'book', 'Solaris', '1961-01-01', 'year')")
    assert (await connection.fetchval(FOUND), await connection.fetchval(WORDS)) == (1, ["solaris"])
    await downgrade(url, known, only="media", revision="media_0001")
    assert await connection.fetchval(SEARCHING) == 0
    await connection.execute(f"{ADD} (gen_random_uuid(), 'book', 'The Invincible', NULL, NULL)")
    await connection.execute(f"{ADD} (gen_random_uuid(), 'book', '100%', NULL, NULL)")
    await upgrade(url, known)
    assert await connection.fetchval(SEARCHING) == 4
    assert await connection.fetchval(FOUND) == 1
    assert await connection.fetchval(WORDS) == ["100%", "invincible", "solaris", "the"]
    assert await connection.fetchval(SIGNED) == 1
    await connection.close()


async def test_each_filter_finds_the_beginning_of_titles_by_an_index_of_its_own(
    migrated_database_url: str, inventory: Inventory
) -> None:
    url, known = migrated_database_url, chains(inventory)
    connection = await asyncpg.connect(url, statement_cache_size=0)
    await connection.execute(
        "INSERT INTO monocoque_media.items (id, media_type, title, release_date, release_precision) "
        "SELECT gen_random_uuid(), (ARRAY['book', 'game', 'music'])[n % 3 + 1], md5(n::text), "
        "make_date(1950 + n % 70, 1, 1), 'year' FROM generate_series(1, 3000) AS n; ANALYZE monocoque_media.items"
    )
    nothing: dict[str, Any] = dict.fromkeys(("type", "year", "isbn", "corrected"))
    asked: dict[str, Any] = {"q": "s", "ids": [], "extra": [], "limit": 20, **nothing}
    indexes = {"ix_items_media_type_title", "ix_items_media_type_year_title"}

    async def used() -> set[str]:
        plan = await connection.fetch(f"EXPLAIN {SEARCH.sql}", *SEARCH.arguments(asked))
        return {name for name in indexes if any(name in line[0] for line in plan)}

    assert await used() == indexes
    await downgrade(url, known, only="media", revision="media_0008")
    assert await used() == set()
    await connection.execute(f"{ADD} (gen_random_uuid(), 'book', 'Solaris', '1961-01-01', 'year')")
    await upgrade(url, known)
    assert await used() == indexes
    await connection.close()


async def test_writers_of_the_same_new_words_do_not_block_each_other_for_good(migrated_database_url: str) -> None:
    one, other = [await asyncpg.connect(migrated_database_url) for _ in range(2)]
    await other.execute("SET lock_timeout = '20s'")
    transaction = one.transaction()
    await transaction.start()
    await one.execute(f"{ADD} (gen_random_uuid(), 'book', 'Zeta Alpha', NULL, NULL)")
    await other.execute(f"{ADD} (gen_random_uuid(), 'book', 'Beta Gamma', NULL, NULL)")
    await transaction.commit()
    await other.execute(f"{ADD} (gen_random_uuid(), 'book', 'Alpha Zeta', NULL, NULL)")
    assert await one.fetchval(WORDS) == ["alpha", "beta", "gamma", "zeta"]
    await one.close()
    await other.close()
