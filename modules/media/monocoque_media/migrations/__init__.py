"""Revisions of the media schema."""
