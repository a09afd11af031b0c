"""Revisions of the shell's own schema."""
