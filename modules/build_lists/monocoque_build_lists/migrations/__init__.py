"""Revisions of the build_lists schema."""
