"""Tell what a person edited apart from what was locked, and find again what was imported however often it was."""

import sqlalchemy as sa
from alembic import op

revision = "media_0003"
down_revision = "media_0002"
branch_labels = None
depends_on = None

SCHEMA = "monocoque_media"


def upgrade() -> None:
    for name in ("edited_fields", "locks"):
        op.add_column(
            "items",
            sa.Column(name, sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
            schema=SCHEMA,
        )
    # Nobody can say any more why a field was locked; as an edit it survives whatever locks are set.
    op.execute(f"UPDATE {SCHEMA}.items SET edited_fields = locked_fields WHERE locked_fields <> '{{}}'")  # noqa: S608  a constant
    op.create_check_constraint(
        "ck_items_locked_fields", "items", "(edited_fields || locks) <@ locked_fields", schema=SCHEMA
    )
    _index_identities("identity", "import_id")


def _index_identities(*columns: str) -> None:
    op.drop_index("ix_import_rows_identity", "import_rows", schema=SCHEMA)
    op.create_index(
        "ix_import_rows_identity",
        "import_rows",
        list(columns),
        schema=SCHEMA,
        postgresql_where=sa.text("identity IS NOT NULL"),
    )


def downgrade() -> None:
    _index_identities("identity")
    op.drop_constraint("ck_items_locked_fields", "items", schema=SCHEMA)
    for name in ("locks", "edited_fields"):
        op.drop_column("items", name, schema=SCHEMA)
