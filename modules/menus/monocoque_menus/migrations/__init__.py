"""Revisions of the menus schema."""
