"""The tables of menus."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field

from monocoque.tables import CheckConstraint, Table, row_version, timestamp

SCHEMA = "monocoque_menus"


def _count() -> int:
    found: int = Field(sa_column_kwargs={"server_default": "0"})
    return found


def _position(parent: str, table: str) -> UniqueConstraint:
    # Deferrable means: checked at the end of a statement, so that one UPDATE can set a whole new order.
    name = f"uq_{table}_{parent}_position"
    return UniqueConstraint(parent, "position", name=name, deferrable=True, initially="IMMEDIATE")


class Menu(Table, table=True):
    """A menu of one owner; its version also counts the changes of its courses and their items.

    `link_digest` is the SHA-256 of the token of its link. The token itself is nowhere: it is computed from the nonce
    with the secret key, so that the owner can be told it again and who reads the table can open nothing.
    `published_at` is the first time that it was public, whatever came after.
    """

    __tablename__ = "menus"
    __table_args__ = (
        CheckConstraint("visibility IN ('draft', 'unlisted', 'public')", name="visibility"),
        CheckConstraint("visibility <> 'public' OR published_at IS NOT NULL", name="published_at"),
        CheckConstraint("octet_length(link_nonce) = 16", name="link_nonce"),
        CheckConstraint("octet_length(link_digest) = 32", name="link_digest"),
        CheckConstraint("course_count >= 0", name="course_count"),
        CheckConstraint("item_count >= 0", name="item_count"),
        Index("ix_menus_owner_id_id", "owner_id", "id"),
        Index("ix_menus_deleted_at", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
        Index("uq_menus_link_digest", "link_digest", unique=True),
        {"schema": SCHEMA},
    )

    id: UUID = Field(primary_key=True)
    owner_id: UUID = Field(foreign_key="monocoque_auth.users.id", ondelete="CASCADE")
    title: str = Field(max_length=200)
    description: str | None = Field(default=None, max_length=10_000)
    slug: str = Field(max_length=100)
    visibility: str = Field(max_length=10)
    link_nonce: bytes = Field(sa_type=LargeBinary)
    link_digest: bytes = Field(sa_type=LargeBinary)
    published_at: datetime | None = timestamp(nullable=True)
    course_count: int = _count()
    item_count: int = _count()
    version: int = row_version()
    created_at: datetime = timestamp(default_now=True)
    updated_at: datetime = timestamp(default_now=True)
    deleted_at: datetime | None = timestamp(nullable=True)


class Slug(Table, table=True):
    """Every slug that a menu ever had, the present one too. It stays when the menu is gone, so nobody else gets it."""

    __tablename__ = "slugs"
    __table_args__ = (Index("ix_slugs_menu_id", "menu_id"), {"schema": SCHEMA})

    slug: str = Field(primary_key=True, max_length=100)
    menu_id: UUID | None = Field(default=None, foreign_key=f"{SCHEMA}.menus.id", ondelete="SET NULL")
    created_at: datetime = timestamp(default_now=True)


class Course(Table, table=True):
    """A part of a menu; the positions of one menu's courses are 1, 2, 3 and so on."""

    __tablename__ = "courses"
    __table_args__ = (
        CheckConstraint("position >= 1", name="position"),
        _position("menu_id", "courses"),
        {"schema": SCHEMA},
    )

    id: UUID = Field(primary_key=True)
    menu_id: UUID = Field(foreign_key=f"{SCHEMA}.menus.id", ondelete="CASCADE")
    title: str = Field(max_length=200)
    description: str | None = Field(default=None, max_length=10_000)
    position: int
    version: int = row_version()
    created_at: datetime = timestamp(default_now=True)
    updated_at: datetime = timestamp(default_now=True)


class CourseItem(Table, table=True):
    """An entry of a course; the positions of one course's entries are 1, 2, 3 and so on.

    `title` to `creators` are those of the media item when it was entered, so that the entry outlives it.
    """

    __tablename__ = "course_items"
    __table_args__ = (
        CheckConstraint("position >= 1", name="position"),
        _position("course_id", "course_items"),
        Index("ix_course_items_media_item_id", "media_item_id"),
        {"schema": SCHEMA},
    )

    id: UUID = Field(primary_key=True)
    course_id: UUID = Field(foreign_key=f"{SCHEMA}.courses.id", ondelete="CASCADE")
    media_item_id: UUID | None = Field(default=None, foreign_key="monocoque_media.items.id", ondelete="SET NULL")
    position: int
    notes: str | None = Field(default=None, max_length=10_000)
    title: str = Field(max_length=500)
    media_type: str = Field(max_length=10)
    year: int | None = None
    cover_image_url: str | None = Field(default=None, max_length=2000)
    creators: str = Field(sa_type=Text)
    version: int = row_version()
    created_at: datetime = timestamp(default_now=True)
    updated_at: datetime = timestamp(default_now=True)
