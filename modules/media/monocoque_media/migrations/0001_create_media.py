"""Create the catalogue, people's tags and states, the imports, and the view that other modules read."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "media_0001"
down_revision = None
branch_labels = ("media",)
depends_on = None

SCHEMA = "monocoque_media"
USERS = "monocoque_auth.users.id"
ITEMS = f"{SCHEMA}.items.id"
MOMENT = sa.DateTime(timezone=True)
STATUS = "status IN ('planned', 'active', 'completed', 'paused', 'dropped')"


def _texts(name: str) -> sa.Column[list[str]]:
    return sa.Column(name, sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False)


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, MOMENT, server_default=sa.func.now(), nullable=False)


def _version() -> sa.Column[int]:
    return sa.Column("version", sa.Integer(), server_default="1", nullable=False)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default="0", nullable=False)


def upgrade() -> None:
    default_id = sa.text("uuidv7()") if op.get_bind().dialect.server_version_info >= (18,) else None
    # A trusted extension: whoever may create things in the database may create it, no superuser is needed.
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public")
    _create_items(default_id)
    _create_details()
    _create_sources(default_id)
    _create_tags(default_id)
    _create_states(default_id)
    _create_imports(default_id)
    op.execute(
        "CREATE VIEW monocoque_media.media_cards AS "
        "SELECT id, media_type, title, release_date, release_precision, cover_image_url "
        "FROM monocoque_media.items WHERE deleted_at IS NULL"
    )


def _create_items(default_id: sa.TextClause | None) -> None:
    op.create_table(
        "items",
        sa.Column("id", sa.Uuid(), server_default=default_id, nullable=False),
        sa.Column("media_type", sa.String(10), nullable=False),
        sa.Column("title", sa.String(500), nullable=False),
        sa.Column("subtitle", sa.String(500), nullable=True),
        sa.Column("description", sa.String(20_000), nullable=True),
        sa.Column("release_date", sa.Date(), nullable=True),
        sa.Column("release_precision", sa.String(5), nullable=True),
        sa.Column("cover_image_url", sa.String(2000), nullable=True),
        sa.Column("metadata", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("creators", sa.Text(), server_default="", nullable=False),
        _texts("locked_fields"),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        _version(),
        _moment("created_at"),
        _moment("updated_at"),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_items"),
        sa.ForeignKeyConstraint(["created_by"], [USERS], name="fk_items_created_by", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["merged_into"], [ITEMS], name="fk_items_merged_into", ondelete="SET NULL"),
        sa.CheckConstraint("media_type IN ('book', 'movie', 'tv', 'game', 'music')", name="ck_items_media_type"),
        sa.CheckConstraint("release_precision IN ('year', 'month', 'day')", name="ck_items_release_precision"),
        sa.CheckConstraint("(release_date IS NULL) = (release_precision IS NULL)", name="ck_items_release_whole"),
        sa.CheckConstraint("merged_into <> id", name="ck_items_merged_into"),
        sa.CheckConstraint("merged_into IS NULL OR deleted_at IS NOT NULL", name="ck_items_merged_deleted"),
        schema=SCHEMA,
    )
    op.create_index("ix_items_media_type_id", "items", ["media_type", "id"], schema=SCHEMA)
    for name, columns in (
        ("created_by", ["created_by", "id"]),
        ("merged_into", ["merged_into"]),
        ("deleted_at", ["deleted_at"]),
    ):
        op.create_index(
            f"ix_items_{'_'.join(columns)}",
            "items",
            columns,
            schema=SCHEMA,
            postgresql_where=sa.text(f"{name} IS NOT NULL"),
        )
    for name, column, operators, method in (
        ("title_prefix", "title", "text_pattern_ops", "btree"),
        ("title_trigrams", "title", "gin_trgm_ops", "gin"),
        ("creators_trigrams", "creators", "gin_trgm_ops", "gin"),
    ):
        op.create_index(
            f"ix_items_{name}",
            "items",
            [sa.literal_column(f"lower({column})").label(column)],
            schema=SCHEMA,
            postgresql_using=method,
            postgresql_ops={column: operators},
        )


def _create_details() -> None:
    _create_detail(
        "book_items",
        _texts("authors"),
        sa.Column("page_count", sa.Integer(), nullable=True),
        sa.Column("isbn_10", sa.String(10), nullable=True),
        sa.Column("isbn_13", sa.String(13), nullable=True),
        sa.Column("publisher", sa.String(500), nullable=True),
        sa.Column("language", sa.String(35), nullable=True),
        sa.CheckConstraint("page_count > 0", name="ck_book_items_page_count"),
        sa.CheckConstraint("isbn_10 ~ '^[0-9]{9}[0-9X]$'", name="ck_book_items_isbn_10"),
        sa.CheckConstraint("isbn_13 ~ '^97[89][0-9]{10}$'", name="ck_book_items_isbn_13"),
    )
    op.create_index(
        "ix_book_items_isbn_13",
        "book_items",
        ["isbn_13"],
        schema=SCHEMA,
        postgresql_where=sa.text("isbn_13 IS NOT NULL"),
    )
    _create_detail(
        "movie_items",
        sa.Column("tmdb_type", sa.String(5), nullable=False),
        sa.Column("runtime", sa.Integer(), nullable=True),
        _texts("directors"),
        sa.Column("original_title", sa.String(500), nullable=True),
        sa.CheckConstraint("tmdb_type IN ('movie', 'tv')", name="ck_movie_items_tmdb_type"),
        sa.CheckConstraint("runtime > 0", name="ck_movie_items_runtime"),
    )
    _create_detail("game_items", _texts("platforms"), _texts("developers"), _texts("publishers"))
    _create_detail(
        "music_items",
        sa.Column("kind", sa.String(5), nullable=False),
        sa.Column("artist", sa.String(500), nullable=True),
        sa.Column("album", sa.String(500), nullable=True),
        sa.Column("track_number", sa.Integer(), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.CheckConstraint("kind IN ('track', 'album')", name="ck_music_items_kind"),
        sa.CheckConstraint("track_number > 0", name="ck_music_items_track_number"),
        sa.CheckConstraint("duration_ms > 0", name="ck_music_items_duration_ms"),
    )


def _create_detail(table: str, *parts: sa.Column[object] | sa.CheckConstraint) -> None:
    op.create_table(
        table,
        sa.Column("item_id", sa.Uuid(), nullable=False),
        *parts,
        sa.PrimaryKeyConstraint("item_id", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(["item_id"], [ITEMS], name=f"fk_{table}_item_id", ondelete="CASCADE"),
        schema=SCHEMA,
    )


def _create_sources(default_id: sa.TextClause | None) -> None:
    op.create_table(
        "sources",
        sa.Column("id", sa.Uuid(), server_default=default_id, nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(50), nullable=False),
        sa.Column("kind", sa.String(50), nullable=False),
        sa.Column("external_id", sa.String(2000), nullable=False),
        sa.Column("url", sa.String(2000), nullable=True),
        sa.Column("raw_payload", postgresql.JSONB(), nullable=False),
        _moment("fetched_at"),
        sa.PrimaryKeyConstraint("id", name="pk_sources"),
        sa.ForeignKeyConstraint(["item_id"], [ITEMS], name="fk_sources_item_id", ondelete="CASCADE"),
        schema=SCHEMA,
    )
    op.create_index(
        "uq_sources_source_kind_external_id",
        "sources",
        ["source", "kind", "external_id"],
        unique=True,
        schema=SCHEMA,
    )
    op.create_index("ix_sources_item_id", "sources", ["item_id"], schema=SCHEMA)


def _create_tags(default_id: sa.TextClause | None) -> None:
    op.create_table(
        "tags",
        sa.Column("id", sa.Uuid(), server_default=default_id, nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("name_key", sa.String(300), nullable=False),
        _version(),
        _moment("created_at"),
        _moment("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_tags"),
        sa.ForeignKeyConstraint(["owner_id"], [USERS], name="fk_tags_owner_id", ondelete="CASCADE"),
        schema=SCHEMA,
    )
    op.create_index("uq_tags_owner_id_name_key", "tags", ["owner_id", "name_key"], unique=True, schema=SCHEMA)
    op.create_table(
        "item_tags",
        sa.Column("tag_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("tag_id", "item_id", name="pk_item_tags"),
        sa.ForeignKeyConstraint(["tag_id"], [f"{SCHEMA}.tags.id"], name="fk_item_tags_tag_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["item_id"], [ITEMS], name="fk_item_tags_item_id", ondelete="CASCADE"),
        schema=SCHEMA,
    )
    op.create_index("ix_item_tags_item_id", "item_tags", ["item_id"], schema=SCHEMA)


def _create_states(default_id: sa.TextClause | None) -> None:
    op.create_table(
        "user_item_states",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("favorite", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("notes", sa.String(10_000), nullable=True),
        sa.Column("started_at", sa.Date(), nullable=True),
        sa.Column("finished_at", sa.Date(), nullable=True),
        sa.Column("pass_number", sa.Integer(), server_default="1", nullable=False),
        _version(),
        _moment("created_at"),
        _moment("updated_at"),
        sa.PrimaryKeyConstraint("owner_id", "item_id", name="pk_user_item_states"),
        sa.ForeignKeyConstraint(["owner_id"], [USERS], name="fk_user_item_states_owner_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["item_id"], [ITEMS], name="fk_user_item_states_item_id", ondelete="CASCADE"),
        sa.CheckConstraint(STATUS, name="ck_user_item_states_status"),
        sa.CheckConstraint("rating BETWEEN 0 AND 100", name="ck_user_item_states_rating"),
        sa.CheckConstraint("pass_number BETWEEN 1 AND 10000", name="ck_user_item_states_pass_number"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_user_item_states_owner_id_updated_at",
        "user_item_states",
        ["owner_id", "updated_at", "item_id"],
        schema=SCHEMA,
    )
    op.create_index("ix_user_item_states_item_id", "user_item_states", ["item_id"], schema=SCHEMA)
    op.create_table(
        "state_log",
        sa.Column("id", sa.Uuid(), server_default=default_id, nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        _moment("at"),
        sa.Column("action", sa.String(10), nullable=False),
        sa.Column("pass_number", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("favorite", sa.Boolean(), nullable=False),
        sa.Column("notes", sa.String(10_000), nullable=True),
        sa.Column("started_at", sa.Date(), nullable=True),
        sa.Column("finished_at", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_state_log"),
        sa.ForeignKeyConstraint(["owner_id"], [USERS], name="fk_state_log_owner_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["item_id"], [ITEMS], name="fk_state_log_item_id", ondelete="CASCADE"),
        sa.CheckConstraint("action IN ('set', 'removed', 'merged')", name="ck_state_log_action"),
        sa.CheckConstraint(STATUS, name="ck_state_log_status"),
        schema=SCHEMA,
    )
    op.create_index("ix_state_log_owner_id_item_id_id", "state_log", ["owner_id", "item_id", "id"], schema=SCHEMA)
    op.create_index("ix_state_log_item_id", "state_log", ["item_id"], schema=SCHEMA)
    # A foreign key's cascade runs inside its own trigger, one level deeper than a statement that someone wrote. Such a
    # statement may only take a row to the item that its own was merged into.
    op.execute(
        "CREATE FUNCTION monocoque_media.keep_state_log() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ DECLARE moved monocoque_media.state_log; BEGIN "
        "IF TG_OP = 'DELETE' THEN "
        "IF pg_trigger_depth() > 1 THEN RETURN OLD; END IF; "
        "ELSE "
        "moved := OLD; moved.item_id := NEW.item_id; "
        "IF moved IS NOT DISTINCT FROM NEW AND NEW.item_id = "
        "(SELECT merged_into FROM monocoque_media.items WHERE id = OLD.item_id) THEN RETURN NEW; END IF; "
        "END IF; "
        "RAISE EXCEPTION 'the state log is append-only' USING ERRCODE = 'restrict_violation'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER keep_state_log BEFORE UPDATE OR DELETE ON {SCHEMA}.state_log "
        f"FOR EACH ROW EXECUTE FUNCTION {SCHEMA}.keep_state_log()"
    )


def _create_imports(default_id: sa.TextClause | None) -> None:
    op.create_table(
        "imports",
        sa.Column("id", sa.Uuid(), server_default=default_id, nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("format", sa.String(20), nullable=False),
        sa.Column("filename", sa.String(255), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("dry_run", sa.Boolean(), server_default=sa.false(), nullable=False),
        *(_count(f"{name}_count") for name in ("row", "imported", "unchanged", "skipped", "failed", "created_item")),
        sa.Column("detail", sa.String(1000), nullable=True),
        _moment("created_at"),
        _moment("updated_at"),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_imports"),
        sa.ForeignKeyConstraint(["owner_id"], [USERS], name="fk_imports_owner_id", ondelete="CASCADE"),
        sa.CheckConstraint(
            "format IN ('goodreads', 'storygraph', 'letterboxd', 'howlongtobeat', 'openreads', 'tmdb', 'csv', 'json')",
            name="ck_imports_format",
        ),
        sa.CheckConstraint("status IN ('running', 'finished', 'failed')", name="ck_imports_status"),
        sa.CheckConstraint("octet_length(digest) = 32", name="ck_imports_digest"),
        schema=SCHEMA,
    )
    op.create_index("ix_imports_owner_id_id", "imports", ["owner_id", "id"], schema=SCHEMA)
    op.create_index(
        "uq_imports_owner_id",
        "imports",
        ["owner_id"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("status = 'running'"),
    )
    op.create_table(
        "import_rows",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("row_number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=True),
        sa.Column("title", sa.String(500), nullable=True),
        sa.Column("reason", sa.String(1000), nullable=True),
        sa.Column("guess", postgresql.JSONB(), nullable=True),
        sa.Column("identity", sa.LargeBinary(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("import_id", "row_number", name="pk_import_rows"),
        sa.ForeignKeyConstraint(
            ["import_id"], [f"{SCHEMA}.imports.id"], name="fk_import_rows_import_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["item_id"], [ITEMS], name="fk_import_rows_item_id", ondelete="SET NULL"),
        sa.CheckConstraint("status IN ('imported', 'unchanged', 'skipped', 'failed')", name="ck_import_rows_status"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_import_rows_import_id_status", "import_rows", ["import_id", "status", "row_number"], schema=SCHEMA
    )
    op.create_index(
        "ix_import_rows_item_id",
        "import_rows",
        ["item_id"],
        schema=SCHEMA,
        postgresql_where=sa.text("item_id IS NOT NULL"),
    )
    for column in ("identity", "digest"):
        op.create_index(
            f"ix_import_rows_{column}",
            "import_rows",
            [column],
            schema=SCHEMA,
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )


def downgrade() -> None:
    op.execute(f"DROP VIEW {SCHEMA}.media_cards")
    for table in (
        "import_rows",
        "imports",
        "state_log",
        "user_item_states",
        "item_tags",
        "tags",
        "sources",
        "music_items",
        "game_items",
        "movie_items",
        "book_items",
        "items",
    ):
        op.drop_table(table, schema=SCHEMA)
    op.execute(f"DROP FUNCTION {SCHEMA}.keep_state_log()")
    # pg_trgm stays: other schemas of the database may have come to need it.
