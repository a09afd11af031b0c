"""Create the claims, by which processes agree who asks a source."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "media_0004"
down_revision = "media_0003"
branch_labels = None
depends_on = None

SCHEMA = "monocoque_media"


def upgrade() -> None:
    op.create_table(
        "claims",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("holder", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", postgresql.JSONB(), nullable=True),
        sa.PrimaryKeyConstraint("key", name="pk_claims"),
        schema=SCHEMA,
        # Of no use a minute later: after a crash of the server it may as well be empty.
        prefixes=["UNLOGGED"],
    )
    op.create_index("ix_claims_expires_at", "claims", ["expires_at"], schema=SCHEMA)


def downgrade() -> None:
    op.drop_table("claims", schema=SCHEMA)
