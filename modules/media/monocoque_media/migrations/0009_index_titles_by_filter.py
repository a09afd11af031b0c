"""Find the titles that begin with a few letters among those of one type, and of one year, however many others do."""

import sqlalchemy as sa
from alembic import op

revision = "media_0009"
down_revision = "media_0008"
branch_labels = None
depends_on = None

SCHEMA = "monocoque_media"
TITLE = sa.literal_column("lower(title)").label("title")
YEAR = sa.literal_column("date_part('year', release_date)")
INDEXES = {
    "ix_items_media_type_title": ["media_type", TITLE],
    # Of one year in any type, too: there are five types, and each is looked up by itself.
    "ix_items_media_type_year_title": ["media_type", YEAR, TITLE],
}


def upgrade() -> None:
    for name, columns in INDEXES.items():
        op.create_index(name, "items", columns, schema=SCHEMA, postgresql_ops={"title": "text_pattern_ops"})


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, "items", schema=SCHEMA)
