"""Revisions of the parts schema."""
