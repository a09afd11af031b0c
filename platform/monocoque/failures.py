"""What stops a start: one message, the particulars, and what to do."""

from __future__ import annotations


class StartupError(Exception):
    """The process cannot start or go on; shown to a person without a traceback, exit code 1."""

    def __init__(self, message: str, *particulars: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.particulars = particulars
        self.hint = hint

    def __str__(self) -> str:
        lines = [self.message, *(f"  - {line}" for line in self.particulars)]
        return "\n".join([*lines, self.hint] if self.hint else lines)
