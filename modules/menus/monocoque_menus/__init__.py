"""Curated menus of media."""
