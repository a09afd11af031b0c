"""The migration engine: one Alembic chain per module, run in `requires` order under one advisory lock.

Each chain keeps its version table, `alembic_version`, in its module's own schema, so that a module can be disabled,
purged or vanish without another one noticing. The engine knows no module: it is given `Chain`s, already in `requires`
order.

What a revision file may count on:

- It imports alembic and sqlalchemy only, and its `revision` is `<name>_<NNNN>`; the first one carries the branch
  label `<name>`.
- It runs in a transaction of its own. `with op.get_context().autocommit_block():` leaves that transaction for
  statements such as CREATE INDEX CONCURRENTLY; what ran before the block is then committed, so such a revision holds
  nothing else. A concurrent build also waits for old transactions, under `lock_timeout`: `op.execute("SET
  lock_timeout = 0")` inside the block lifts that limit.
- PostgreSQL 15 and up: `uuidv7()` exists from 18 on, so a revision asks `op.get_bind().dialect.server_version_info >=
  (18,)` before it uses it as a default. `compare` takes a column with and without that default for equal.
- A downgrade is one transaction, however many revisions it undoes (unless one leaves it, as above). Down to base
  keeps the schema and its empty version table; only `purge` drops a schema.

The lock belongs to a database session: a connection pooler in transaction mode cannot carry it, so give a direct URL.
"""

from monocoque_migrations.authoring import revision
from monocoque_migrations.comparison import check, compare
from monocoque_migrations.contract import (
    Applied,
    Chain,
    ChainStatus,
    ForeignKey,
    MigrationError,
    PurgePlan,
)
from monocoque_migrations.history import heads
from monocoque_migrations.purging import purge, purge_plan
from monocoque_migrations.running import downgrade, upgrade
from monocoque_migrations.state import applied, status

__all__ = [
    "Applied",
    "Chain",
    "ChainStatus",
    "ForeignKey",
    "MigrationError",
    "PurgePlan",
    "applied",
    "check",
    "compare",
    "downgrade",
    "heads",
    "purge",
    "purge_plan",
    "revision",
    "status",
    "upgrade",
]
