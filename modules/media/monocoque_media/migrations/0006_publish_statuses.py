"""Show the creators of an item, and where people are with it, to the statements of other modules."""

from alembic import op

revision = "media_0006"
down_revision = "media_0005"
branch_labels = None
depends_on = None

SCHEMA = "monocoque_media"
CARDS = (
    "SELECT id, media_type, title, release_date, release_precision, cover_image_url{more} "  # noqa: S608  our own names
    f"FROM {SCHEMA}.items WHERE deleted_at IS NULL"
)


def upgrade() -> None:
    op.execute(f"CREATE OR REPLACE VIEW {SCHEMA}.media_cards AS {CARDS.format(more=', creators')}")
    op.execute(
        f"CREATE VIEW {SCHEMA}.item_statuses AS SELECT owner_id, item_id, status "  # noqa: S608  our own names
        f"FROM {SCHEMA}.user_item_states"
    )


def downgrade() -> None:
    op.execute(f"DROP VIEW {SCHEMA}.item_statuses")
    # Replacing a view can add columns only.
    op.execute(f"DROP VIEW {SCHEMA}.media_cards")
    op.execute(f"CREATE VIEW {SCHEMA}.media_cards AS {CARDS.format(more='')}")
