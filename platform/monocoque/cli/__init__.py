"""The command line: `monocoque`."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point; Ctrl-C ends every command without a traceback, also while Python still imports it."""
    try:
        from monocoque.cli.commands import run  # noqa: PLC0415  imports for half a second, which Ctrl-C may end too

        run()
    except KeyboardInterrupt:
        sys.exit(130)
