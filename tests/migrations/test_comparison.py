"""Each kind of drift between models and database is found and put into words; a chain in step is silent."""

import asyncpg
import pytest
import sqlalchemy as sa

from monocoque_migrations import MigrationError, check, compare, upgrade
from tests.migrations.workshop import Workshop

DRIFTS = [
    ("ALTER TABLE demo_cars.cars DROP COLUMN made_at", "column demo_cars.cars.made_at is in the models but not in the"),
    ("ALTER TABLE demo_cars.cars ADD wheels int", "column demo_cars.cars.wheels is in the database but not in the"),
    ("ALTER TABLE demo_cars.cars ALTER colour TYPE varchar(9)", "column demo_cars.cars.colour: type is VARCHAR(9) in"),
    ("ALTER TABLE demo_cars.cars ALTER colour DROP NOT NULL", "column demo_cars.cars.colour: nullable is True in"),
    ("ALTER TABLE demo_cars.cars ALTER state SET DEFAULT 'driven'", "column demo_cars.cars.state: server default is"),
    (
        "ALTER TABLE demo_cars.cars ALTER made_at DROP DEFAULT",
        "column demo_cars.cars.made_at: server default is not set",
    ),
    ("DROP INDEX demo_cars.ix_cars_colour", "table demo_cars.cars: index ix_cars_colour is in the models but not in"),
    (
        "ALTER TABLE demo_cars.cars ADD CONSTRAINT uq UNIQUE (colour)",
        "table demo_cars.cars: unique constraint uq is in",
    ),
    ("ALTER TABLE demo_cars.cars DROP CONSTRAINT fk_cars_owner_id_users", "foreign key fk_cars_owner_id_users is in"),
    ("ALTER TABLE demo_cars.cars DROP CONSTRAINT ck_cars_state", "check constraint ck_cars_state is in the models but"),
    (
        "ALTER TABLE demo_cars.cars ADD CONSTRAINT ck_odd CHECK (colour <> '')",
        "check constraint ck_odd is in the datab",
    ),
    ("CREATE TABLE demo_cars.stray (id int)", "table demo_cars.stray is in the database but not in the models"),
    (
        """ALTER TABLE demo_cars.cars DROP CONSTRAINT ck_cars_state,
        ADD CONSTRAINT ck_cars_state CHECK (state IN ('idle', 'driven', 'sold'))""",
        "check constraint ck_cars_state is CHECK ((state = ANY (ARRAY['idle'::text, 'driven'::text, 'sold'::text])))",
    ),
]


@pytest.mark.parametrize(("change", "words"), DRIFTS)
async def test_a_drift_is_put_into_words(
    database_url: str, database: asyncpg.Connection, workshop: Workshop, change: str, words: str
) -> None:
    chains = workshop.demo()
    await upgrade(database_url, chains)
    await database.execute(change)

    found = await compare(database_url, chains[1])

    assert len(found) == 1
    assert words in found[0]
    assert await compare(database_url, chains[0]) == []
    assert await check(database_url, chains) == [f"cars: {found[0]}"]


async def test_a_missing_table_is_reported_with_its_indexes(
    database_url: str, database: asyncpg.Connection, workshop: Workshop
) -> None:
    chains = workshop.demo()
    await upgrade(database_url, chains)
    await database.execute("DROP TABLE demo_cars.cars")
    assert await compare(database_url, chains[1]) == [
        "table demo_cars.cars is in the models but not in the database",
        "table demo_cars.cars: index ix_cars_colour is in the models but not in the database",
    ]


async def test_a_check_on_a_column_that_the_database_lacks_is_left_to_the_columns_own_line(
    database_url: str, database: asyncpg.Connection, workshop: Workshop
) -> None:
    chains = workshop.demo()
    await upgrade(database_url, chains)
    await database.execute("ALTER TABLE demo_cars.cars RENAME state TO condition")
    assert await compare(database_url, chains[1]) == [
        "column demo_cars.cars.state is in the models but not in the database",
        "column demo_cars.cars.condition is in the database but not in the models",
    ]


async def test_a_comparison_changes_nothing(
    database_url: str, database: asyncpg.Connection, workshop: Workshop
) -> None:
    chains = workshop.demo()
    await upgrade(database_url, chains)
    snapshot = "SELECT count(*), sum(oid::bigint) FROM pg_class"
    before = await database.fetchrow(snapshot)
    await compare(database_url, chains[1])
    assert await database.fetchrow(snapshot) == before


async def test_a_uuidv7_default_on_either_side_alone_is_no_difference(
    database_url: str, database: asyncpg.Connection, workshop: Workshop
) -> None:
    auth, cars = workshop.demo()
    await upgrade(database_url, [auth, cars])
    await database.execute("ALTER TABLE demo_cars.cars ALTER id SET DEFAULT uuidv7()")
    assert await compare(database_url, auth) == await compare(database_url, cars) == []
    await database.execute("ALTER TABLE demo_cars.cars ALTER id SET DEFAULT gen_random_uuid()")
    assert len(await compare(database_url, cars)) == 1


async def test_models_that_are_not_loaded_cannot_be_compared(database_url: str, workshop: Workshop) -> None:
    with pytest.raises(MigrationError, match="not loaded"):
        await compare(database_url, workshop.chain("menus"))


async def test_check_names_everything_that_is_wrong_at_once(database_url: str, workshop: Workshop) -> None:
    auth, cars = workshop.demo()
    media = workshop.chain("media", "def upgrade(): pass\n", metadata=sa.MetaData())
    workshop.add(auth, "def upgrade(): pass\n", imports="import json\nfrom collections import abc")
    workshop.add(cars, "def upgrade(): pass\n", after=2)
    await upgrade(database_url, [auth])
    await upgrade(database_url, [media])

    assert await check(database_url, [auth, cars]) == [
        "auth: 0002_step.py imports collections, json; only alembic and sqlalchemy are allowed",
        "cars: cars_0003 and cars_0004 both follow cars_0002, so there are several heads",
    ]
    workshop.add(media, "def upgrade(): pass\n")
    assert await check(database_url, [media]) == ["media: behind, applied media_0001, the head is media_0002"]
