"""The migrations give what the models say, and go both ways over data."""

from __future__ import annotations

from uuid import UUID, uuid4

import asyncpg
import pytest

from monocoque.migration import chains
from monocoque.registry import Inventory
from monocoque.types import new_id
from monocoque_media.schemas.tags import name_key
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


async def test_tags_that_were_doubled_become_one_and_keep_their_items(
    migrated_database_url: str, inventory: Inventory
) -> None:
    url, known = migrated_database_url, chains(inventory)
    connection = await asyncpg.connect(url, statement_cache_size=0)
    await downgrade(url, known, only="media", revision="media_0006")
    owners, items = [uuid4(), uuid4()], [uuid4(), uuid4(), uuid4()]
    for owner_id in owners:
        await connection.execute(
            "INSERT INTO monocoque_auth.users (id, email, email_key, password_hash) VALUES ($1, $2, $2, '')",
            *(owner_id, f"{owner_id}@b.example"),
        )
    await connection.executemany(
        "INSERT INTO monocoque_media.items (id, media_type, title) VALUES ($1, 'book', 'A')", [(id_,) for id_ in items]
    )
    name, folded = "Μαΐου", "Μαΐου".casefold()
    assert folded != name_key(name)
    older, newer, alone, right = sorted(uuid4() for _ in range(4))
    # Of the first owner the older was imported, of the second it was the newer.
    tags = [
        (older, owners[0], name, folded),
        (newer, owners[0], name.upper(), name_key(name)),
        (alone, owners[1], name, folded),
        (right, owners[1], "Noir", "noir"),
    ]
    await connection.executemany(
        "INSERT INTO monocoque_media.tags (id, owner_id, name, name_key) VALUES ($1, $2, $3, $4)", tags
    )
    await connection.execute(
        "INSERT INTO monocoque_media.tags (id, owner_id, name, name_key) "
        "SELECT gen_random_uuid(), $1, number::text, number::text FROM generate_series(1, 2500) AS number",
        owners[1],
    )
    tagged = [(older, items[0]), (older, items[1]), (newer, items[1]), (newer, items[2]), (alone, items[0])]
    await connection.executemany("INSERT INTO monocoque_media.item_tags (tag_id, item_id) VALUES ($1, $2)", tagged)
    await upgrade(url, known)
    left = await connection.fetch(
        "SELECT id, owner_id, name, name_key FROM monocoque_media.tags WHERE name !~ '^[0-9]' ORDER BY id"
    )
    assert [tuple(row) for row in left] == [
        (older, owners[0], name, name_key(name)),
        (alone, owners[1], name, name_key(name)),
        (right, owners[1], "Noir", "noir"),
    ]
    assert await connection.fetchval("SELECT count(*) FROM monocoque_media.tags WHERE name ~ '^[0-9]'") == 2500
    rows = await connection.fetch("SELECT tag_id, item_id FROM monocoque_media.item_tags")
    assert {tuple(row) for row in rows} == {*((older, item_id) for item_id in items), (alone, items[0])}
    await connection.close()


async def test_the_log_keeps_its_order_and_goes_on_without_being_told_of_numbers(
    migrated_database_url: str, inventory: Inventory
) -> None:
    url, known = migrated_database_url, chains(inventory)
    connection = await asyncpg.connect(url, statement_cache_size=0)
    await downgrade(url, known, only="media", revision="media_0007")
    owner_id, item_id = uuid4(), uuid4()
    await connection.execute(
        "INSERT INTO monocoque_auth.users (id, email, email_key, password_hash) VALUES ($1, 'a@b.example', 'a', '')",
        owner_id,
    )
    await connection.execute(
        "INSERT INTO monocoque_media.items (id, media_type, title) VALUES ($1, 'book', 'A')", item_id
    )
    log = (
        "INSERT INTO monocoque_media.state_log (id, owner_id, item_id, action, pass_number, status, favorite) "
        "VALUES ($1, $2, $3, 'set', 1, 'active', false)"
    )
    ids = [new_id() for _ in range(3)]
    for id_ in reversed(ids):
        await connection.execute(log, id_, owner_id, item_id)
    await upgrade(url, known)
    late = UUID(int=1)
    await connection.execute(log, late, owner_id, item_id)
    rows = await connection.fetch("SELECT id FROM monocoque_media.state_log ORDER BY number")
    assert [row["id"] for row in rows] == [*ids, late]
    with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
        await connection.execute("UPDATE monocoque_media.state_log SET number = number + 1")
    await downgrade(url, known, only="media", revision="media_0007")
    await upgrade(url, known)
    await connection.close()
