"""Create the build lists and their items."""

import sqlalchemy as sa
from alembic import op

revision = "build_lists_0001"
down_revision = None
branch_labels = ("build_lists",)
depends_on = None

SCHEMA = "monocoque_build_lists"


def upgrade() -> None:
    default_id = sa.text("uuidv7()") if op.get_bind().dialect.server_version_info >= (18,) else None
    op.create_table(
        "build_lists",
        sa.Column("id", sa.Uuid(), server_default=default_id, nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("car_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("description", sa.String(10_000), nullable=True),
        sa.Column("item_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("share_digest", sa.LargeBinary(), nullable=True),
        sa.Column("share_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_build_lists"),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["monocoque_auth.users.id"], name="fk_build_lists_owner_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["car_id"], ["monocoque_cars.cars.id"], name="fk_build_lists_car_id", ondelete="SET NULL"
        ),
        sa.CheckConstraint("item_count >= 0", name="ck_build_lists_item_count"),
        sa.CheckConstraint("octet_length(share_digest) = 32", name="ck_build_lists_share_digest"),
        sa.CheckConstraint(
            "share_expires_at IS NULL OR share_digest IS NOT NULL", name="ck_build_lists_share_expires_at"
        ),
        schema=SCHEMA,
    )
    op.create_index("ix_build_lists_owner_id_id", "build_lists", ["owner_id", "id"], schema=SCHEMA)
    op.create_index("ix_build_lists_car_id", "build_lists", ["car_id"], schema=SCHEMA)
    op.create_index(
        "ix_build_lists_deleted_at",
        "build_lists",
        ["deleted_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index("uq_build_lists_share_digest", "build_lists", ["share_digest"], unique=True, schema=SCHEMA)
    _create_items(default_id)
    # A purged car empties car_id through its foreign key, past every statement of ours; the version behind the ETag
    # has to count that change too.
    op.execute(
        f"CREATE FUNCTION {SCHEMA}.count_lost_car() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN NEW.version := OLD.version + 1; NEW.updated_at := now(); RETURN NEW; END $$"
    )
    op.execute(
        f"CREATE TRIGGER count_lost_car BEFORE UPDATE OF car_id ON {SCHEMA}.build_lists FOR EACH ROW "
        "WHEN (NEW.car_id IS NULL AND OLD.car_id IS NOT NULL AND NEW.version = OLD.version) "
        f"EXECUTE FUNCTION {SCHEMA}.count_lost_car()"
    )


def _create_items(default_id: sa.TextClause | None) -> None:
    op.create_table(
        "items",
        sa.Column("id", sa.Uuid(), server_default=default_id, nullable=False),
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("part_id", sa.Uuid(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(200), nullable=True),
        sa.Column("part_name", sa.String(200), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("notes", sa.String(10_000), nullable=True),
        sa.Column("paid_amount", sa.Numeric(), nullable=True),
        sa.Column("paid_currency", sa.String(3), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_items"),
        sa.ForeignKeyConstraint(["list_id"], [f"{SCHEMA}.build_lists.id"], name="fk_items_list_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["part_id"], ["monocoque_parts.parts.id"], name="fk_items_part_id", ondelete="SET NULL"
        ),
        sa.UniqueConstraint("list_id", "part_id", name="uq_items_list_id_part_id"),
        sa.UniqueConstraint(
            "list_id", "position", name="uq_items_list_id_position", deferrable=True, initially="IMMEDIATE"
        ),
        sa.CheckConstraint("name IS NOT NULL OR part_name IS NOT NULL", name="ck_items_name"),
        sa.CheckConstraint("quantity BETWEEN 1 AND 10000", name="ck_items_quantity"),
        sa.CheckConstraint("status IN ('wanted', 'ordered', 'received', 'installed')", name="ck_items_status"),
        sa.CheckConstraint("(paid_amount IS NULL) = (paid_currency IS NULL)", name="ck_items_paid_whole"),
        sa.CheckConstraint("paid_amount BETWEEN 0 AND 9999999999.9999", name="ck_items_paid_amount"),
        sa.CheckConstraint("paid_currency ~ '^[A-Z]{3}$'", name="ck_items_paid_currency"),
        schema=SCHEMA,
    )
    op.create_index("ix_items_part_id", "items", ["part_id"], schema=SCHEMA)


def downgrade() -> None:
    op.drop_table("items", schema=SCHEMA)
    op.drop_table("build_lists", schema=SCHEMA)
    op.execute(f"DROP FUNCTION {SCHEMA}.count_lost_car()")
