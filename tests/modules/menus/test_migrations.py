"""The migrations give what the models say, and go both ways over data."""

from __future__ import annotations

from uuid import uuid4

import asyncpg

from monocoque.migration import chains
from monocoque.registry import Inventory
from monocoque_migrations import compare, downgrade, upgrade

TABLES = (
    "SELECT count(*) FROM pg_class WHERE relnamespace = 'monocoque_menus'::regnamespace "
    "AND relkind = 'r' AND relname NOT LIKE '%alembic%'"
)


async def test_the_schema_is_what_the_models_say(migrated_database_url: str, inventory: Inventory) -> None:
    [chain] = [chain for chain in chains(inventory) if chain.name == "menus"]
    assert await compare(migrated_database_url, chain) == []


async def test_it_goes_down_over_data_and_up_again(migrated_database_url: str, inventory: Inventory) -> None:
    url, known = migrated_database_url, chains(inventory)
    connection = await asyncpg.connect(url)
    menu_id, course_id = uuid4(), uuid4()
    await connection.execute("SET session_replication_role = replica")  # no account is needed for this
    await connection.execute(
        "INSERT INTO monocoque_menus.menus (id, owner_id, title, slug, visibility, link_nonce, link_digest) "
        "VALUES ($1, $2, 'A', 'a', 'draft', $3, $4)",
        menu_id,
        uuid4(),
        bytes(16),
        bytes(32),
    )
    await connection.execute("INSERT INTO monocoque_menus.slugs (slug, menu_id) VALUES ('a', $1)", menu_id)
    await connection.execute(
        "INSERT INTO monocoque_menus.courses (id, menu_id, title, position) VALUES ($1, $2, 'Monday', 1)",
        course_id,
        menu_id,
    )
    await connection.execute(
        "INSERT INTO monocoque_menus.course_items (id, course_id, position, title, media_type, creators) "
        "VALUES ($1, $2, 1, 'Laura', 'movie', '')",
        uuid4(),
        course_id,
    )
    assert await connection.fetchval(TABLES) == 4
    await downgrade(url, known, only="menus", revision="base")
    assert await connection.fetchval(TABLES) == 0
    await upgrade(url, known)
    assert await connection.fetchval(TABLES) == 4
    await connection.close()


async def test_media_can_be_taken_back_to_before_it_showed_statuses(
    migrated_database_url: str, inventory: Inventory
) -> None:
    url, known = migrated_database_url, chains(inventory)
    connection = await asyncpg.connect(url)
    columns = (
        "SELECT count(*) FROM information_schema.columns "
        "WHERE table_schema = 'monocoque_media' AND table_name IN ('media_cards', 'item_statuses')"
    )
    assert await connection.fetchval(columns) == 7 + 3
    await downgrade(url, known, only="media", revision="media_0005")
    assert await connection.fetchval(columns) == 6
    await upgrade(url, known)
    assert await connection.fetchval(columns) == 7 + 3
    await connection.close()
