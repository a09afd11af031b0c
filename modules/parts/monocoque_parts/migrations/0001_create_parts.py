"""Create the parts, and the view that other modules read."""

import sqlalchemy as sa
from alembic import op

revision = "parts_0001"
down_revision = None
branch_labels = ("parts",)
depends_on = None


def upgrade() -> None:
    native = op.get_bind().dialect.server_version_info >= (18,)
    op.create_table(
        "parts",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()") if native else None, nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("brand", sa.String(100), nullable=True),
        sa.Column("category", sa.String(100), nullable=True),
        sa.Column("part_number", sa.String(100), nullable=True),
        sa.Column("url", sa.String(2000), nullable=True),
        sa.Column("notes", sa.String(10_000), nullable=True),
        sa.Column("price_amount", sa.Numeric(), nullable=True),
        sa.Column("price_currency", sa.String(3), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_parts"),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["monocoque_auth.users.id"], name="fk_parts_owner_id", ondelete="CASCADE"
        ),
        sa.CheckConstraint("(price_amount IS NULL) = (price_currency IS NULL)", name="ck_parts_price_whole"),
        sa.CheckConstraint("price_amount BETWEEN 0 AND 9999999999.9999", name="ck_parts_price_amount"),
        sa.CheckConstraint("price_currency ~ '^[A-Z]{3}$'", name="ck_parts_price_currency"),
        schema="monocoque_parts",
    )
    op.create_index("ix_parts_owner_id_id", "parts", ["owner_id", "id"], schema="monocoque_parts")
    op.create_index(
        "ix_parts_deleted_at",
        "parts",
        ["deleted_at"],
        schema="monocoque_parts",
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.execute(
        "CREATE VIEW monocoque_parts.part_cards AS "
        "SELECT id, owner_id, name, brand, category, part_number, url, price_amount, price_currency "
        "FROM monocoque_parts.parts WHERE deleted_at IS NULL"
    )


def downgrade() -> None:
    op.execute("DROP VIEW monocoque_parts.part_cards")
    op.drop_table("parts", schema="monocoque_parts")
