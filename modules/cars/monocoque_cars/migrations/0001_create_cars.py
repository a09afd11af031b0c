"""Create the cars, and the view that other modules read."""

import sqlalchemy as sa
from alembic import op

revision = "cars_0001"
down_revision = None
branch_labels = ("cars",)
depends_on = None


def upgrade() -> None:
    native = op.get_bind().dialect.server_version_info >= (18,)
    op.create_table(
        "cars",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()") if native else None, nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("make", sa.String(100), nullable=False),
        sa.Column("model", sa.String(100), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("vin", sa.String(17), nullable=True),
        sa.Column("vin_check_ok", sa.Boolean(), nullable=True),
        sa.Column("nickname", sa.String(100), nullable=True),
        sa.Column("notes", sa.String(10_000), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_cars"),
        sa.ForeignKeyConstraint(["owner_id"], ["monocoque_auth.users.id"], name="fk_cars_owner_id", ondelete="CASCADE"),
        sa.CheckConstraint("year BETWEEN 1886 AND 2200", name="ck_cars_year"),
        sa.CheckConstraint("vin ~ '^[A-HJ-NPR-Z0-9]{17}$'", name="ck_cars_vin"),
        schema="monocoque_cars",
    )
    op.create_index("ix_cars_owner_id_id", "cars", ["owner_id", "id"], schema="monocoque_cars")
    op.create_index(
        "uq_cars_owner_id_vin",
        "cars",
        ["owner_id", "vin"],
        unique=True,
        schema="monocoque_cars",
        postgresql_where=sa.text("deleted_at IS NULL AND vin IS NOT NULL"),
    )
    op.create_index(
        "ix_cars_deleted_at",
        "cars",
        ["deleted_at"],
        schema="monocoque_cars",
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.execute(
        "CREATE VIEW monocoque_cars.car_cards AS "
        "SELECT id, owner_id, make, model, year, nickname FROM monocoque_cars.cars WHERE deleted_at IS NULL"
    )


def downgrade() -> None:
    op.execute("DROP VIEW monocoque_cars.car_cards")
    op.drop_table("cars", schema="monocoque_cars")
