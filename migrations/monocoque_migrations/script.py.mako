"""${message}."""
% if uses_sqlalchemy or uses_uuidv7:

import sqlalchemy as sa
% endif
% if uses_op:
from alembic import op
% endif
% if uses_postgresql:
from sqlalchemy.dialects import postgresql
% endif

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = None
% if uses_uuidv7:


def uuidv7_default() -> sa.TextClause | None:
    """PostgreSQL makes UUIDv7 itself from 18 on; before that only the application does."""
    version = op.get_bind().dialect.server_version_info or (0,)
    return sa.text("uuidv7()") if version >= (18,) else None
% endif


def upgrade() -> None:
    ${upgrades}


def downgrade() -> None:
    ${downgrades}
