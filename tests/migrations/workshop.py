"""Made-up modules, written to a folder as importable packages."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa

from monocoque_migrations import Chain

USERS = """
def upgrade():
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        schema="demo_auth",
    )

def downgrade():
    op.drop_table("users", schema="demo_auth")
"""

CARS = """
def upgrade():
    op.create_table(
        "cars",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), server_default="idle", nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state IN ('idle', 'driven')", name="ck_cars_state"),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["demo_auth.users.id"], name="fk_cars_owner_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_cars"),
        schema="demo_cars",
    )

def downgrade():
    op.drop_table("cars", schema="demo_cars")
"""

COLOUR = """
def upgrade():
    op.add_column("cars", sa.Column("colour", sa.Text(), nullable=True), schema="demo_cars")
    op.execute("UPDATE demo_cars.cars SET colour = 'unknown'")
    op.alter_column("cars", "colour", nullable=False, schema="demo_cars")

def downgrade():
    op.drop_column("cars", "colour", schema="demo_cars")
"""

COLOUR_INDEX = """
def upgrade():
    with op.get_context().autocommit_block():
        op.create_index("ix_cars_colour", "cars", ["colour"], schema="demo_cars", postgresql_concurrently=True)

def downgrade():
    with op.get_context().autocommit_block():
        op.drop_index("ix_cars_colour", "cars", schema="demo_cars", postgresql_concurrently=True)
"""


def demo_metadata() -> sa.MetaData:
    """One MetaData for both modules, as the real modules share one."""
    metadata = sa.MetaData()
    sa.Table(
        "users",
        metadata,
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        schema="demo_auth",
    )
    sa.Table(
        "cars",
        metadata,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), server_default="idle", nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("colour", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('idle', 'driven')", name="ck_cars_state"),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["demo_auth.users.id"], name="fk_cars_owner_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_cars"),
        sa.Index("ix_cars_colour", "colour"),
        schema="demo_cars",
    )
    return metadata


class Workshop:
    """Writes modules' migrations into a folder on the import path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.prefix = f"demo_{uuid4().hex[:8]}"

    def chain(
        self, name: str, *bodies: str, requires: tuple[str, ...] = (), metadata: sa.MetaData | None = None
    ) -> Chain:
        package = self.folder / f"{self.prefix}_{name}"
        (package / "migrations").mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "migrations" / "__init__.py").touch()
        chain = Chain(name, f"demo_{name}", f"{package.name}.migrations", metadata, requires)
        for body in bodies:
            self.add(chain, body)
        return chain

    def add(self, chain: Chain, body: str, *, after: int | None = None, imports: str = "") -> Path:
        """Write the next revision file, after the newest one or after revision number `after`."""
        place = self.place(chain)
        number = 1 + len(list(place.glob("0*.py")))
        parent = number - 1 if after is None else after
        path = place / f"{number:04d}_step.py"
        path.write_text(
            f'"""Step {number} of {chain.name}."""\n\nimport sqlalchemy as sa\nfrom alembic import op\n{imports}\n'
            f'revision = "{chain.name}_{number:04d}"\n'
            f"down_revision = {f'{chain.name}_{parent:04d}' if parent else None!r}\n"
            f"branch_labels = {(chain.name,) if not parent else None!r}\n{body}"
        )
        return path

    def place(self, chain: Chain) -> Path:
        return self.folder / chain.revisions.replace(".", "/")

    def demo(self) -> list[Chain]:
        metadata = demo_metadata()
        auth = self.chain("auth", USERS, metadata=metadata)
        cars = self.chain("cars", CARS, COLOUR, COLOUR_INDEX, requires=("auth",), metadata=metadata)
        return [auth, cars]
