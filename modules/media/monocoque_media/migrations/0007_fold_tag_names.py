"""Give tags that were imported the same key as those of the same name that were added, and join what was doubled."""

import sqlalchemy as sa
from alembic import op

revision = "media_0007"
down_revision = "media_0006"
branch_labels = None
depends_on = None

TAGS = "monocoque_media.tags"
BATCH = 1000
# The normal forms are the database's; what is between them is Python's, since few servers can fold case.
READ = sa.text(
    f"SELECT id, owner_id, name_key, normalize(name, NFD) AS name FROM {TAGS} WHERE id > :after ORDER BY id LIMIT :most"  # noqa: S608  our own names
)
COMPOSE = sa.text(
    "SELECT normalize(folded, NFC) FROM unnest(CAST(:folded AS text[])) WITH ORDINALITY AS given (folded, place) "
    "ORDER BY place"
)
HOLD = sa.text(
    f"SELECT id FROM {TAGS} WHERE id = :id OR (owner_id = :owner_id AND name_key = :name_key) ORDER BY id FOR UPDATE"  # noqa: S608  our own names
)
MOVE = sa.text(
    "INSERT INTO monocoque_media.item_tags (tag_id, item_id, created_at) "
    "SELECT :kept, item_id, created_at FROM monocoque_media.item_tags WHERE tag_id = :id ON CONFLICT DO NOTHING"
)
DROP = sa.text(f"DELETE FROM {TAGS} WHERE id = :id")  # noqa: S608  our own names
SET = sa.text(f"UPDATE {TAGS} SET name_key = :name_key WHERE id = :id")  # noqa: S608  our own names


def upgrade() -> None:
    # Nobody adds a tag under a key that is just being given; what reads tags, or puts them on items, goes on.
    op.execute(f"LOCK TABLE {TAGS} IN SHARE ROW EXCLUSIVE MODE")
    after = "00000000-0000-0000-0000-000000000000"
    while tags := op.get_bind().execute(READ, {"after": after, "most": BATCH}).all():
        after = tags[-1].id
        keys = op.get_bind().scalars(COMPOSE, {"folded": [tag.name.casefold() for tag in tags]}).all()
        for tag, key in zip(tags, keys, strict=True):
            if tag.name_key != key:
                _give(tag, key)


def _give(tag: sa.Row[tuple[object, ...]], key: str) -> None:
    """Give the tag its key; where the owner has another of that key the older of the two stays, with its name."""
    kept, *doubled = op.get_bind().scalars(HOLD, {"id": tag.id, "owner_id": tag.owner_id, "name_key": key}).all()
    for one in doubled:
        op.get_bind().execute(MOVE, {"kept": kept, "id": one})
        op.get_bind().execute(DROP, {"id": one})
    op.get_bind().execute(SET, {"id": kept, "name_key": key})


def downgrade() -> None:
    """Nothing to take back: these are the keys that tags were to have before, too."""
