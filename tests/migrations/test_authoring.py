"""A written revision runs as it is: up, in step, down; it imports what revisions may import, and is formatted."""

import asyncio
import shutil
import subprocess
import sys

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from monocoque_migrations import Chain, MigrationError, check, compare, downgrade, heads, revision, upgrade
from tests.migrations.workshop import Workshop


class Shout(sa.types.TypeDecorator[str]):
    """A type of the application's own, which no revision may import."""

    impl = sa.String
    cache_ok = True


def boats() -> sa.MetaData:
    metadata = sa.MetaData()
    sa.Table(
        "boats",
        metadata,
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("name", Shout(40), nullable=False),
        sa.Column("papers", postgresql.JSONB(), nullable=True),
        sa.CheckConstraint("name <> ''", name="ck_boats_name"),
        sa.PrimaryKeyConstraint("id", name="pk_boats"),
        schema="demo_boats",
    )
    return metadata


@pytest.fixture
def chain(workshop: Workshop) -> Chain:
    return workshop.chain("boats", metadata=boats())


async def test_the_first_revision_is_written_labelled_and_runs_both_ways(database_url: str, chain: Chain) -> None:
    path = await revision(chain, "Create boats.", url=database_url)

    assert path.name == "0001_create_boats.py"
    source = path.read_text()
    assert source.startswith('"""Create boats."""\n')
    assert 'revision = "boats_0001"\ndown_revision = None\nbranch_labels = ("boats",)\n' in source
    assert heads([chain]) == {"boats": "boats_0001"}
    assert len(await upgrade(database_url, [chain])) == 1
    assert await check(database_url, [chain]) == []
    assert len(await downgrade(database_url, [chain], only="boats", revision="base")) == 1
    assert len(await upgrade(database_url, [chain])) == 1


async def test_the_package_is_made_with_the_first_revision(database_url: str, workshop: Workshop, chain: Chain) -> None:
    place = workshop.place(chain)
    shutil.rmtree(place)
    with pytest.raises(MigrationError, match="monocoque db revision --module boats"):
        heads([chain])
    path = await revision(chain, "Create boats", url=database_url)
    assert path.parent == place
    assert (place / "__init__.py").read_text() == '"""Revisions of the boats schema."""\n'
    assert len(await upgrade(database_url, [chain])) == 1


async def test_a_package_that_is_nowhere_is_not_made(database_url: str, workshop: Workshop) -> None:
    for place in ("no_such_package.migrations", "no_such_package"):
        with pytest.raises(MigrationError, match="there is no such package"):
            await revision(Chain("boats", "demo_boats", place, boats()), "Create boats", url=database_url)


async def test_what_is_written_is_formatted(database_url: str, chain: Chain) -> None:
    path = await revision(chain, "Create boats", url=database_url)
    for arguments in (["format", "--check"], ["check", "--select", "E,F,I"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--line-length", "120", str(path)]
        await asyncio.to_thread(subprocess.run, command, check=True)


async def test_the_next_revision_holds_the_difference_alone(database_url: str, chain: Chain) -> None:
    await revision(chain, "Create boats", url=database_url)
    await upgrade(database_url, [chain])
    assert chain.metadata is not None
    table = chain.metadata.tables["demo_boats.boats"]
    table.append_column(sa.Column("length", sa.Numeric(6, 2), server_default=sa.text("0"), nullable=False))
    table.append_constraint(sa.CheckConstraint("length >= 0", name="ck_boats_length"))

    path = await revision(chain, "Measure boats", url=database_url)

    assert path.name == "0002_measure_boats.py"
    assert 'down_revision = "boats_0001"' in path.read_text()
    assert "branch_labels = None" in path.read_text()
    assert [step.doc for step in await upgrade(database_url, [chain])] == ["Measure boats."]
    assert await compare(database_url, chain) == []
    await downgrade(database_url, [chain], only="boats", revision="-1")
    assert len(await compare(database_url, chain)) == 2


async def test_a_revision_for_data_is_written_empty(database_url: str, chain: Chain) -> None:
    path = await revision(chain, "Fill names", url=database_url, autogenerate=False)
    assert path.read_text().count("    pass\n") == 2
    assert len(await upgrade(database_url, [chain])) == 1


async def test_nothing_is_written_without_a_difference_behind_the_head_or_without_a_message(
    database_url: str, chain: Chain
) -> None:
    with pytest.raises(MigrationError, match="needs a message"):
        await revision(chain, " !", url=database_url)
    first = await revision(chain, "Create boats", url=database_url)
    with pytest.raises(MigrationError, match="at nothing, the newest revision is boats_0001"):
        await revision(chain, "Again", url=database_url)
    await upgrade(database_url, [chain])
    with pytest.raises(MigrationError, match="nothing to write"):
        await revision(chain, "Again", url=database_url)
    assert [path.name for path in first.parent.glob("0*.py")] == [first.name]


async def test_models_that_are_not_loaded_cannot_be_drafted(database_url: str, workshop: Workshop) -> None:
    with pytest.raises(MigrationError, match="not loaded"):
        await revision(workshop.chain("menus"), "Create menus", url=database_url)
