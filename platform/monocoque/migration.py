"""What the migration engine is told: one chain for the shell and one for each module, in start order."""

from __future__ import annotations

from monocoque.modules import load
from monocoque.registry import Inventory
from monocoque.tables import SHELL_SCHEMA, metadata
from monocoque_migrations import Chain

SHELL_CHAIN = "monocoque"


def chains(inventory: Inventory, *, with_metadata: bool = True, installed: bool = False) -> list[Chain]:
    """The chains of the enabled (or of all installed) modules; `with_metadata` imports their tables."""
    found = [
        Chain(
            name=SHELL_CHAIN,
            schema=SHELL_SCHEMA,
            revisions="monocoque.migrations",
            metadata=metadata if with_metadata else None,
        )
    ]
    for module in inventory.ordered() if installed else inventory.enabled:
        if module.migrations is None:
            continue
        if with_metadata and module.models is not None:
            load(module.models)
        found.append(
            Chain(
                name=module.name,
                schema=module.schema,
                revisions=module.migrations,
                metadata=metadata if with_metadata else None,
                requires=(SHELL_CHAIN, *module.requires),
            )
        )
    return found
