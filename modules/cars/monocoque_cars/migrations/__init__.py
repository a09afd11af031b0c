"""Revisions of the cars schema."""
