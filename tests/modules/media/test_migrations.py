"""The migrations give what the models say, and go both ways over data."""

from __future__ import annotations

from uuid import uuid4

import asyncpg

from monocoque.migration import chains
from monocoque.registry import Inventory
from monocoque_migrations import compare, downgrade, upgrade


async def test_the_schema_is_what_the_models_say(migrated_database_url: str, inventory: Inventory) -> None:
    [chain] = [chain for chain in chains(inventory) if chain.name == "media"]
    assert await compare(migrated_database_url, chain) == []


async def test_it_goes_down_over_data_and_up_again(migrated_database_url: str, inventory: Inventory) -> None:
    url, known = migrated_database_url, chains(inventory)
    connection = await asyncpg.connect(url)
    owner_id, item_id = uuid4(), uuid4()
    await connection.execute(
        "INSERT INTO monocoque_auth.users (id, email, email_key, password_hash) VALUES ($1, 'a@b.example', 'a', '')",
        owner_id,
    )
    await connection.execute(
        "INSERT INTO monocoque_media.items (id, media_type, title, created_by) VALUES ($1, 'book', 'A', $2)",
        item_id,
        owner_id,
    )
    await connection.execute(
        "INSERT INTO monocoque_media.user_item_states (owner_id, item_id, status) VALUES ($1, $2, 'active')",
        owner_id,
        item_id,
    )
    await connection.execute(
        "INSERT INTO monocoque_media.state_log (id, owner_id, item_id, action, pass_number, status, favorite) "
        "VALUES ($1, $2, $3, 'set', 1, 'active', false)",
        uuid4(),
        owner_id,
        item_id,
    )
    left = (
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'monocoque_media'::regnamespace "
        "AND relname NOT LIKE '%alembic%' AND relkind IN ('r', 'v')"
    )
    functions = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'monocoque_media'::regnamespace"
    before = await connection.fetchval(left), await connection.fetchval(functions)
    for chain in reversed(known):
        if "media" in (chain.name, *chain.requires):
            await downgrade(url, known, only=chain.name, revision="base")
    assert await connection.fetchval(functions) == 0
    assert await connection.fetchval(left) <= 1, "nothing but the table of versions"
    await upgrade(url, known)
    assert (await connection.fetchval(left), await connection.fetchval(functions)) == before
    await connection.close()


async def test_what_was_locked_before_edits_were_told_apart_survives_as_an_edit(
    migrated_database_url: str, inventory: Inventory
) -> None:
    url, known = migrated_database_url, chains(inventory)
    connection = await asyncpg.connect(url, statement_cache_size=0)
    await downgrade(url, known, only="media", revision="media_0002")
    await connection.execute(
        "INSERT INTO monocoque_media.items (id, media_type, title, locked_fields) "
        "VALUES (gen_random_uuid(), 'book', 'A', '{title}'), (gen_random_uuid(), 'book', 'B', '{}')"
    )
    await upgrade(url, known)
    rows = await connection.fetch(
        "SELECT edited_fields, locks, locked_fields FROM monocoque_media.items ORDER BY title"
    )
    assert [tuple(row) for row in rows] == [(["title"], [], ["title"]), ([], [], [])]
    await connection.close()
