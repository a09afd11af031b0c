"""Create the menus, their courses and entries, and the slugs."""

import sqlalchemy as sa
from alembic import op

revision = "menus_0001"
down_revision = None
branch_labels = ("menus",)
depends_on = None

SCHEMA = "monocoque_menus"
MOMENT = sa.DateTime(timezone=True)


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, MOMENT, server_default=sa.func.now(), nullable=False)


def _version() -> sa.Column[int]:
    return sa.Column("version", sa.Integer(), server_default="1", nullable=False)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default="0", nullable=False)


def _position(parent: str, table: str) -> sa.UniqueConstraint:
    name = f"uq_{table}_{parent}_position"
    return sa.UniqueConstraint(parent, "position", name=name, deferrable=True, initially="IMMEDIATE")


def upgrade() -> None:
    default_id = sa.text("uuidv7()") if op.get_bind().dialect.server_version_info >= (18,) else None
    op.create_table(
        "menus",
        sa.Column("id", sa.Uuid(), server_default=default_id, nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("description", sa.String(10_000), nullable=True),
        sa.Column("slug", sa.String(100), nullable=False),
        sa.Column("visibility", sa.String(10), nullable=False),
        sa.Column("link_nonce", sa.LargeBinary(), nullable=False),
        sa.Column("link_digest", sa.LargeBinary(), nullable=False),
        sa.Column("published_at", MOMENT, nullable=True),
        _count("course_count"),
        _count("item_count"),
        _version(),
        _moment("created_at"),
        _moment("updated_at"),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_menus"),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["monocoque_auth.users.id"], name="fk_menus_owner_id", ondelete="CASCADE"
        ),
        sa.CheckConstraint("visibility IN ('draft', 'unlisted', 'public')", name="ck_menus_visibility"),
        sa.CheckConstraint("visibility <> 'public' OR published_at IS NOT NULL", name="ck_menus_published_at"),
        sa.CheckConstraint("octet_length(link_nonce) = 16", name="ck_menus_link_nonce"),
        sa.CheckConstraint("octet_length(link_digest) = 32", name="ck_menus_link_digest"),
        sa.CheckConstraint("course_count >= 0", name="ck_menus_course_count"),
        sa.CheckConstraint("item_count >= 0", name="ck_menus_item_count"),
        schema=SCHEMA,
    )
    op.create_index("ix_menus_owner_id_id", "menus", ["owner_id", "id"], schema=SCHEMA)
    op.create_index(
        "ix_menus_deleted_at",
        "menus",
        ["deleted_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_index("uq_menus_link_digest", "menus", ["link_digest"], unique=True, schema=SCHEMA)
    op.create_table(
        "slugs",
        sa.Column("slug", sa.String(100), nullable=False),
        sa.Column("menu_id", sa.Uuid(), nullable=True),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("slug", name="pk_slugs"),
        sa.ForeignKeyConstraint(["menu_id"], [f"{SCHEMA}.menus.id"], name="fk_slugs_menu_id", ondelete="SET NULL"),
        schema=SCHEMA,
    )
    op.create_index("ix_slugs_menu_id", "slugs", ["menu_id"], schema=SCHEMA)
    op.create_table(
        "courses",
        sa.Column("id", sa.Uuid(), server_default=default_id, nullable=False),
        sa.Column("menu_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("description", sa.String(10_000), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        _version(),
        _moment("created_at"),
        _moment("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_courses"),
        sa.ForeignKeyConstraint(["menu_id"], [f"{SCHEMA}.menus.id"], name="fk_courses_menu_id", ondelete="CASCADE"),
        sa.CheckConstraint("position >= 1", name="ck_courses_position"),
        _position("menu_id", "courses"),
        schema=SCHEMA,
    )
    op.create_table(
        "course_items",
        sa.Column("id", sa.Uuid(), server_default=default_id, nullable=False),
        sa.Column("course_id", sa.Uuid(), nullable=False),
        sa.Column("media_item_id", sa.Uuid(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("notes", sa.String(10_000), nullable=True),
        sa.Column("title", sa.String(500), nullable=False),
        sa.Column("media_type", sa.String(10), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("cover_image_url", sa.String(2000), nullable=True),
        sa.Column("creators", sa.Text(), nullable=False),
        _version(),
        _moment("created_at"),
        _moment("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_course_items"),
        sa.ForeignKeyConstraint(
            ["course_id"], [f"{SCHEMA}.courses.id"], name="fk_course_items_course_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["media_item_id"],
            ["monocoque_media.items.id"],
            name="fk_course_items_media_item_id",
            ondelete="SET NULL",
        ),
        sa.CheckConstraint("position >= 1", name="ck_course_items_position"),
        _position("course_id", "course_items"),
        schema=SCHEMA,
    )
    op.create_index("ix_course_items_media_item_id", "course_items", ["media_item_id"], schema=SCHEMA)


def downgrade() -> None:
    for table in ("course_items", "courses", "slugs", "menus"):
        op.drop_table(table, schema=SCHEMA)
