"""The tables of media: the catalogue, what each person makes of it, and what was imported."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    Label,
    LargeBinary,
    String,
    Text,
    Uuid,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlmodel import Field

from monocoque.tables import CheckConstraint, Table, row_version, timestamp

SCHEMA = "monocoque_media"


def _texts() -> Any:
    return Field(sa_type=ARRAY(Text), nullable=False, sa_column_kwargs={"server_default": text("'{}'")})


def _count() -> Any:
    return Field(sa_column_kwargs={"server_default": "0"})


def _json(*, nullable: bool = False) -> Any:
    return Field(default=None, sa_type=JSONB, nullable=nullable)


def _lower_index(name: str, column: str, operators: str, **options: Any) -> Index:
    expression: Label[str] = literal_column(f"lower({column})", String).label(column)
    return Index(name, expression, postgresql_ops={column: operators}, **options)


def _filtered_index(name: str, *filters: ColumnElement[Any] | str) -> Index:
    """The titles in their order, among those of which the filters are the same."""
    title: Label[str] = literal_column("lower(title)", String).label("title")
    return Index(name, *filters, title, postgresql_ops={"title": "text_pattern_ops"})


def _search_index(name: str, where: str) -> Index:
    options: dict[str, Any] = {"postgresql_using": "gin", "postgresql_with": {"fastupdate": "off"}}
    return Index(name, "search", postgresql_where=text(where), **options)


class MediaItem(Table, table=True):
    """A work in the shared catalogue; alive while `deleted_at` is NULL.

    `creators` joins the names of authors, directors, developers or artists, for search; a change of the details sets
    it in the same transaction. `locked_fields` names what a refresh leaves alone: what a person gave or changed
    (`edited_fields`), and what was locked besides (`locks`). An item that was merged into another is deleted, keeps no
    details that count, and is never purged: its id leads to the other.
    """

    __tablename__ = "items"
    __table_args__ = (
        CheckConstraint("media_type IN ('book', 'movie', 'tv', 'game', 'music')", name="media_type"),
        CheckConstraint("release_precision IN ('year', 'month', 'day')", name="release_precision"),
        CheckConstraint("(release_date IS NULL) = (release_precision IS NULL)", name="release_whole"),
        CheckConstraint("merged_into <> id", name="merged_into"),
        CheckConstraint("merged_into IS NULL OR deleted_at IS NOT NULL", name="merged_deleted"),
        CheckConstraint("(edited_fields || locks) <@ locked_fields", name="locked_fields"),
        Index("ix_items_media_type_id", "media_type", "id"),
        Index("ix_items_created_by_id", "created_by", "id", postgresql_where=text("created_by IS NOT NULL")),
        Index("ix_items_merged_into", "merged_into", postgresql_where=text("merged_into IS NOT NULL")),
        Index("ix_items_deleted_at", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
        _lower_index("ix_items_title_prefix", "title", "text_pattern_ops"),
        _lower_index("ix_items_title_trigrams", "title", "gin_trgm_ops", postgresql_using="gin"),
        _lower_index("ix_items_creators_trigrams", "creators", "gin_trgm_ops", postgresql_using="gin"),
        _filtered_index("ix_items_media_type_title", "media_type"),
        _filtered_index(
            "ix_items_media_type_year_title", "media_type", literal_column("date_part('year', release_date)")
        ),
        _search_index("ix_items_search", "deleted_at IS NULL"),
        _search_index("ix_items_search_sample", "deleted_at IS NULL AND get_byte(uuid_send(id), 15) < 16"),
        {"schema": SCHEMA},
    )

    id: UUID = Field(primary_key=True)
    media_type: str = Field(max_length=10)
    title: str = Field(max_length=500)
    subtitle: str | None = Field(default=None, max_length=500)
    description: str | None = Field(default=None, max_length=20_000)
    release_date: date | None = None
    release_precision: str | None = Field(default=None, max_length=5)
    cover_image_url: str | None = Field(default=None, max_length=2000)
    # `metadata` is taken on a table class; the column keeps the name.
    attributes: Any = Field(sa_column=Column("metadata", JSONB, server_default=text("'{}'"), nullable=False))
    creators: str = Field(sa_type=Text, sa_column_kwargs={"server_default": ""})
    locked_fields: list[str] = _texts()
    edited_fields: list[str] = _texts()
    locks: list[str] = _texts()
    created_by: UUID | None = Field(default=None, foreign_key="monocoque_auth.users.id", ondelete="SET NULL")
    merged_into: UUID | None = Field(default=None, foreign_key=f"{SCHEMA}.items.id", ondelete="SET NULL")
    version: int = row_version()
    created_at: datetime = timestamp(default_now=True)
    updated_at: datetime = timestamp(default_now=True)
    deleted_at: datetime | None = timestamp(nullable=True)
    # A trigger keeps the words of title, subtitle and creators in it, with the media type and the year among them.
    search: Any = Field(default=None, sa_type=TSVECTOR, nullable=True)


class Word(Table, table=True):
    """A word that occurs in the catalogue, kept by triggers: what a search completes and corrects words with."""

    __tablename__ = "words"
    __table_args__ = (
        Index("ix_words_trigrams", "word", postgresql_using="gin", postgresql_ops={"word": "gin_trgm_ops"}),
        {"schema": SCHEMA},
    )

    word: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))


def _item_key() -> Any:
    return Field(sa_column=Column(Uuid, ForeignKey(f"{SCHEMA}.items.id", ondelete="CASCADE"), primary_key=True))


class BookItem(Table, table=True):
    """What only a book has; of one ISBN the other form is kept too, where there is one."""

    __tablename__ = "book_items"
    __table_args__ = (
        CheckConstraint("page_count > 0", name="page_count"),
        CheckConstraint("isbn_10 ~ '^[0-9]{9}[0-9X]$'", name="isbn_10"),
        CheckConstraint("isbn_13 ~ '^97[89][0-9]{10}$'", name="isbn_13"),
        Index("ix_book_items_isbn_13", "isbn_13", postgresql_where=text("isbn_13 IS NOT NULL")),
        {"schema": SCHEMA},
    )

    item_id: UUID = _item_key()
    authors: list[str] = _texts()
    page_count: int | None = None
    isbn_10: str | None = Field(default=None, max_length=10)
    isbn_13: str | None = Field(default=None, max_length=13)
    publisher: str | None = Field(default=None, max_length=500)
    language: str | None = Field(default=None, max_length=35)


class MovieItem(Table, table=True):
    """What only a film or a series has; `runtime` in minutes."""

    __tablename__ = "movie_items"
    __table_args__ = (
        CheckConstraint("tmdb_type IN ('movie', 'tv')", name="tmdb_type"),
        CheckConstraint("runtime > 0", name="runtime"),
        {"schema": SCHEMA},
    )

    item_id: UUID = _item_key()
    tmdb_type: str = Field(max_length=5)
    runtime: int | None = None
    directors: list[str] = _texts()
    original_title: str | None = Field(default=None, max_length=500)


class GameItem(Table, table=True):
    """What only a game has."""

    __tablename__ = "game_items"
    __table_args__ = ({"schema": SCHEMA},)

    item_id: UUID = _item_key()
    platforms: list[str] = _texts()
    developers: list[str] = _texts()
    publishers: list[str] = _texts()


class MusicItem(Table, table=True):
    """What only a track or an album has; `duration_ms` in milliseconds."""

    __tablename__ = "music_items"
    __table_args__ = (
        CheckConstraint("kind IN ('track', 'album')", name="kind"),
        CheckConstraint("track_number > 0", name="track_number"),
        CheckConstraint("duration_ms > 0", name="duration_ms"),
        {"schema": SCHEMA},
    )

    item_id: UUID = _item_key()
    kind: str = Field(max_length=5)
    artist: str | None = Field(default=None, max_length=500)
    album: str | None = Field(default=None, max_length=500)
    track_number: int | None = None
    duration_ms: int | None = None


class Source(Table, table=True):
    """Where an item is known outside, with the answer as it was received."""

    __tablename__ = "sources"
    __table_args__ = (
        Index("uq_sources_source_kind_external_id", "source", "kind", "external_id", unique=True),
        Index("ix_sources_item_id", "item_id"),
        Index("ix_sources_external_id", "external_id"),
        {"schema": SCHEMA},
    )

    id: UUID = Field(primary_key=True)
    item_id: UUID = Field(foreign_key=f"{SCHEMA}.items.id", ondelete="CASCADE")
    source: str = Field(max_length=50)
    kind: str = Field(max_length=50)
    external_id: str = Field(max_length=2000)
    url: str | None = Field(default=None, max_length=2000)
    raw_payload: Any = _json()
    fetched_at: datetime = timestamp(default_now=True)


class Claim(Table, table=True):
    """What one process asks of a source just now, by a digest of what it is; `outcome` is what came of it.

    While `outcome` is NULL the others wait; from `expires_at` on nobody does, whatever has become of the process.
    """

    __tablename__ = "claims"
    __table_args__ = (Index("ix_claims_expires_at", "expires_at"), {"schema": SCHEMA, "prefixes": ["UNLOGGED"]})

    key: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    holder: UUID
    expires_at: datetime = timestamp()
    outcome: Any = _json(nullable=True)


class Tag(Table, table=True):
    """A word of one person's own; `name_key` is what makes it unique without regard to case."""

    __tablename__ = "tags"
    __table_args__ = (Index("uq_tags_owner_id_name_key", "owner_id", "name_key", unique=True), {"schema": SCHEMA})

    id: UUID = Field(primary_key=True)
    owner_id: UUID = Field(foreign_key="monocoque_auth.users.id", ondelete="CASCADE")
    name: str = Field(max_length=100)
    # Some letters become three when their case is folded.
    name_key: str = Field(max_length=300)
    version: int = row_version()
    created_at: datetime = timestamp(default_now=True)
    updated_at: datetime = timestamp(default_now=True)


class ItemTag(Table, table=True):
    """A tag on an item, seen by the tag's owner alone."""

    __tablename__ = "item_tags"
    __table_args__ = (Index("ix_item_tags_item_id", "item_id"), {"schema": SCHEMA})

    tag_id: UUID = Field(sa_column=Column(Uuid, ForeignKey(f"{SCHEMA}.tags.id", ondelete="CASCADE"), primary_key=True))
    item_id: UUID = _item_key()
    created_at: datetime = timestamp(default_now=True)


_STATUS = "status IN ('planned', 'active', 'completed', 'paused', 'dropped')"


class UserItemState(Table, table=True):
    """Where one person is with one item; `pass_number` counts the times it was begun."""

    __tablename__ = "user_item_states"
    __table_args__ = (
        CheckConstraint(_STATUS, name="status"),
        CheckConstraint("rating BETWEEN 0 AND 100", name="rating"),
        CheckConstraint("pass_number BETWEEN 1 AND 10000", name="pass_number"),
        Index("ix_user_item_states_owner_id_updated_at", "owner_id", "updated_at", "item_id"),
        Index("ix_user_item_states_item_id", "item_id"),
        {"schema": SCHEMA},
    )

    owner_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("monocoque_auth.users.id", ondelete="CASCADE"), primary_key=True)
    )
    item_id: UUID = _item_key()
    status: str = Field(max_length=10)
    rating: int | None = None
    favorite: bool = Field(sa_column_kwargs={"server_default": text("false")})
    notes: str | None = Field(default=None, max_length=10_000)
    started_at: date | None = None
    finished_at: date | None = None
    pass_number: int = Field(sa_column_kwargs={"server_default": "1"})
    version: int = row_version()
    created_at: datetime = timestamp(default_now=True)
    updated_at: datetime = timestamp(default_now=True)


class StateLogEntry(Table, table=True):
    """What a state was changed to, or what was removed or lost to a merge; a trigger keeps it from being changed.

    The rows go with their owner or their item, and to the item that theirs was merged into. `number` is their order:
    it is given when a row is written, and so while the state is held, where ids and times are made before.
    """

    __tablename__ = "state_log"
    __table_args__ = (
        CheckConstraint("action IN ('set', 'removed', 'merged')", name="action"),
        CheckConstraint(_STATUS, name="status"),
        Index("ix_state_log_owner_id_item_id_number", "owner_id", "item_id", "number"),
        Index("ix_state_log_item_id", "item_id"),
        {"schema": SCHEMA},
    )

    id: UUID = Field(primary_key=True)
    owner_id: UUID = Field(foreign_key="monocoque_auth.users.id", ondelete="CASCADE")
    item_id: UUID = Field(foreign_key=f"{SCHEMA}.items.id", ondelete="CASCADE")
    number: int = Field(
        default=None,
        sa_type=BigInteger,
        sa_column_kwargs={"server_default": text(f"nextval('{SCHEMA}.state_log_number')")},
    )
    at: datetime = timestamp(default_now=True)
    action: str = Field(max_length=10)
    pass_number: int
    status: str = Field(max_length=10)
    rating: int | None = None
    favorite: bool
    notes: str | None = Field(default=None, max_length=10_000)
    started_at: date | None = None
    finished_at: date | None = None


class Import(Table, table=True):
    """A file that one person had read in; `digest` is the SHA-256 of its content.

    While it runs, `updated_at` moves on at least every few seconds; where it has stopped, the process has ended.
    """

    __tablename__ = "imports"
    __table_args__ = (
        CheckConstraint(
            "format IN ('goodreads', 'storygraph', 'letterboxd', 'howlongtobeat', 'openreads', 'tmdb', 'csv', 'json')",
            name="format",
        ),
        CheckConstraint("status IN ('running', 'finished', 'failed')", name="status"),
        CheckConstraint("octet_length(digest) = 32", name="digest"),
        Index("ix_imports_owner_id_id", "owner_id", "id"),
        Index("uq_imports_owner_id", "owner_id", unique=True, postgresql_where=text("status = 'running'")),
        {"schema": SCHEMA},
    )

    id: UUID = Field(primary_key=True)
    owner_id: UUID = Field(foreign_key="monocoque_auth.users.id", ondelete="CASCADE")
    format: str = Field(max_length=20)
    filename: str | None = Field(default=None, max_length=255)
    digest: bytes | None = Field(default=None, sa_type=LargeBinary)
    status: str = Field(max_length=10)
    dry_run: bool = Field(sa_column_kwargs={"server_default": text("false")})
    row_count: int = _count()
    imported_count: int = _count()
    unchanged_count: int = _count()
    skipped_count: int = _count()
    failed_count: int = _count()
    created_item_count: int = _count()
    detail: str | None = Field(default=None, max_length=1000)
    created_at: datetime = timestamp(default_now=True)
    updated_at: datetime = timestamp(default_now=True)
    finished_at: datetime | None = timestamp(nullable=True)


class ImportRow(Table, table=True):
    """What became of one row of an imported file.

    `identity` stands for the person and what the file calls the item, `digest` for the person and all that the row
    says: by them the same row, and the same item in a later file, are known again.
    """

    __tablename__ = "import_rows"
    __table_args__ = (
        CheckConstraint("status IN ('imported', 'unchanged', 'skipped', 'failed')", name="status"),
        Index("ix_import_rows_import_id_status", "import_id", "status", "row_number"),
        Index("ix_import_rows_item_id", "item_id", postgresql_where=text("item_id IS NOT NULL")),
        Index("ix_import_rows_identity", "identity", "import_id", postgresql_where=text("identity IS NOT NULL")),
        Index("ix_import_rows_digest", "digest", postgresql_where=text("digest IS NOT NULL")),
        {"schema": SCHEMA},
    )

    import_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey(f"{SCHEMA}.imports.id", ondelete="CASCADE"), primary_key=True)
    )
    row_number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    status: str = Field(sa_column=Column(String(10), nullable=False))
    item_id: UUID | None = Field(default=None, foreign_key=f"{SCHEMA}.items.id", ondelete="SET NULL")
    title: str | None = Field(default=None, max_length=500)
    reason: str | None = Field(default=None, max_length=1000)
    guess: Any = _json(nullable=True)
    identity: bytes | None = Field(default=None, sa_type=LargeBinary)
    digest: bytes | None = Field(default=None, sa_type=LargeBinary)
