"""The migrations give what the models say, and go both ways over data."""

from __future__ import annotations

from uuid import uuid4

import asyncpg

from monocoque.migration import chains
from monocoque.registry import Inventory
from monocoque_migrations import compare, downgrade, upgrade


async def test_the_schema_is_what_the_models_say(migrated_database_url: str, inventory: Inventory) -> None:
    [chain] = [chain for chain in chains(inventory) if chain.name == "build_lists"]
    assert await compare(migrated_database_url, chain) == []


async def test_it_goes_down_over_data_and_up_again(migrated_database_url: str, inventory: Inventory) -> None:
    url, known = migrated_database_url, chains(inventory)
    connection = await asyncpg.connect(url)
    owner_id, list_id = uuid4(), uuid4()
    await connection.execute("SET session_replication_role = replica")  # no account is needed for this
    await connection.execute(
        "INSERT INTO monocoque_build_lists.build_lists (id, owner_id, name) VALUES ($1, $2, 'A')", list_id, owner_id
    )
    await connection.execute(
        "INSERT INTO monocoque_build_lists.items (id, list_id, position, name, quantity, status) "
        "VALUES ($1, $2, 1, 'Fluid', 1, 'wanted')",
        uuid4(),
        list_id,
    )
    left = (
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'monocoque_build_lists'::regnamespace "
        "AND relname IN ('items', 'build_lists')"
    )
    functions = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'monocoque_build_lists'::regnamespace"
    await downgrade(url, known, only="build_lists", revision="base")
    assert (await connection.fetchval(left), await connection.fetchval(functions)) == (0, 0)
    await upgrade(url, known)
    assert (await connection.fetchval(left), await connection.fetchval(functions)) == (2, 1)
    await connection.close()
