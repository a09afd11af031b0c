"""Number the entries of the state log as they are written, whatever their ids and times say."""

import sqlalchemy as sa
from alembic import op

revision = "media_0008"
down_revision = "media_0007"
branch_labels = None
depends_on = None

SCHEMA = "monocoque_media"
LOG = f"{SCHEMA}.state_log"
NUMBERS = f"{SCHEMA}.state_log_number"
INDEX = "ix_state_log_owner_id_item_id_{}"


def upgrade() -> None:
    op.add_column("state_log", sa.Column("number", sa.BigInteger(), nullable=True), schema=SCHEMA)
    # The log is append-only for everybody else. Entries stay in the order in which they were shown so far.
    op.execute(f"ALTER TABLE {LOG} DISABLE TRIGGER keep_state_log")
    op.execute(
        f"UPDATE {LOG} AS entry SET number = numbered.number "  # noqa: S608  our own names
        f"FROM (SELECT id, row_number() OVER (ORDER BY id) AS number FROM {LOG}) AS numbered "
        "WHERE numbered.id = entry.id"
    )
    op.execute(f"ALTER TABLE {LOG} ENABLE TRIGGER keep_state_log")
    op.alter_column("state_log", "number", nullable=False, schema=SCHEMA)
    op.execute(f"CREATE SEQUENCE {NUMBERS}")
    op.execute(f"SELECT setval('{NUMBERS}', max(number)) FROM {LOG} HAVING count(*) > 0")  # noqa: S608  our own names
    # A default, so that what knows nothing of numbers goes on writing.
    op.alter_column("state_log", "number", server_default=sa.text(f"nextval('{NUMBERS}')"), schema=SCHEMA)
    _index("number", "id")


def _index(last: str, before: str) -> None:
    op.create_index(INDEX.format(last), "state_log", ["owner_id", "item_id", last], schema=SCHEMA)
    op.drop_index(INDEX.format(before), "state_log", schema=SCHEMA)


def downgrade() -> None:
    _index("id", "number")
    op.drop_column("state_log", "number", schema=SCHEMA)
    op.execute(f"DROP SEQUENCE {NUMBERS}")
