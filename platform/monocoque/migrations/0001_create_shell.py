"""Create the shell's own tables: idempotency keys and revocations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "monocoque_0001"
down_revision = None
branch_labels = ("monocoque",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("scope", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", postgresql.JSONB(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name="pk_idempotency_keys"),
        schema="monocoque",
    )
    op.create_index("ix_idempotency_keys_expires_at", "idempotency_keys", ["expires_at"], schema="monocoque")
    op.create_index("ix_idempotency_keys_owner_id", "idempotency_keys", ["owner_id"], schema="monocoque")
    op.create_table(
        "revocations",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_revocations"),
        schema="monocoque",
    )
    op.create_index("ix_revocations_expires_at", "revocations", ["expires_at"], schema="monocoque")


def downgrade() -> None:
    op.drop_table("revocations", schema="monocoque")
    op.drop_table("idempotency_keys", schema="monocoque")
