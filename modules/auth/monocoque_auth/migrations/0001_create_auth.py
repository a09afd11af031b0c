"""Create the accounts, their sessions and refresh tokens, the counters of failed sign-ins, and the view for others."""

import sqlalchemy as sa
from alembic import op

revision = "auth_0001"
down_revision = None
branch_labels = ("auth",)
depends_on = None

SCHEMA = "monocoque_auth"


def upgrade() -> None:
    native = op.get_bind().dialect.server_version_info >= (18,)
    new_id = sa.text("uuidv7()") if native else None
    moment = sa.DateTime(timezone=True)
    now = sa.func.now()
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), server_default=new_id, nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("email_key", sa.String(800), nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("display_name", sa.String(100), nullable=True),
        sa.Column("role", sa.String(32), server_default="user", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", moment, server_default=now, nullable=False),
        sa.Column("updated_at", moment, server_default=now, nullable=False),
        sa.Column("disabled_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.CheckConstraint("role IN ('user', 'admin')", name="ck_users_role"),
        schema=SCHEMA,
    )
    op.create_index("uq_users_email_key", "users", ["email_key"], unique=True, schema=SCHEMA)
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), server_default=new_id, nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.Integer(), server_default="0", nullable=False),
        sa.Column("user_agent", sa.String(200), nullable=True),
        sa.Column("address", sa.String(64), nullable=True),
        sa.Column("created_at", moment, server_default=now, nullable=False),
        sa.Column("last_used_at", moment, server_default=now, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("revoked_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["monocoque_auth.users.id"], name="fk_sessions_user_id", ondelete="CASCADE"
        ),
        schema=SCHEMA,
    )
    op.create_index("ix_sessions_user_id_id", "sessions", ["user_id", "id"], schema=SCHEMA)
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"], schema=SCHEMA)
    op.create_table(
        "refresh_tokens",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("repeats", sa.Integer(), server_default="0", nullable=False),
        sa.Column("issued_at", moment, server_default=now, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("used_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("digest", name="pk_refresh_tokens"),
        sa.ForeignKeyConstraint(
            ["session_id"], ["monocoque_auth.sessions.id"], name="fk_refresh_tokens_session_id", ondelete="CASCADE"
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_refresh_tokens_session_id_generation", "refresh_tokens", ["session_id", "generation"], schema=SCHEMA
    )
    op.create_index("ix_refresh_tokens_expires_at", "refresh_tokens", ["expires_at"], schema=SCHEMA)
    op.create_table(
        "login_attempts",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("window_ends_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_login_attempts"),
        schema=SCHEMA,
    )
    op.create_index("ix_login_attempts_window_ends_at", "login_attempts", ["window_ends_at"], schema=SCHEMA)
    op.execute(
        "CREATE VIEW monocoque_auth.active_users AS SELECT id FROM monocoque_auth.users WHERE disabled_at IS NULL"
    )


def downgrade() -> None:
    op.execute("DROP VIEW monocoque_auth.active_users")
    for table in ("login_attempts", "refresh_tokens", "sessions", "users"):
        op.drop_table(table, schema=SCHEMA)
