"""Slugs: the part of a menu's address that people read."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from slugify import slugify

MAX_SLUG = 80
_SUFFIX = 5
_TRIES = 10
# Without vowels, so that no word comes about, and without what looks like something else.
_ALPHABET = "23456789bcdfghjkmnpqrstvwxz"
_FALLBACK = "menu"
_RESERVED = """
about account admin all api app archive assets clone course course-items courses create delete demo docs draft drafts
edit export favicon feed health help home import index item items link links login logout me media menu menus new null
order privacy public robots rss search settings share signin signup sitemap slug static terms undefined unlisted user
users
"""
RESERVED = frozenset(_RESERVED.split())
"""What an address of the API or of a site around it may come to need."""


def slug_of(text: str) -> str:
    """Lower-case ASCII letters, digits and single hyphens, at most 80; empty where the text has nothing of the kind."""
    return slugify(
        text,
        entities=False,
        decimal=False,
        hexadecimal=False,
        max_length=MAX_SLUG,
        word_boundary=True,
        save_order=True,
        replacements=(("'", ""), ("\u2019", "")),
        replacement_stage="pre",
        # Named, so that the same title makes the same slug whatever else is installed.
        backend="text-unidecode",
        algorithm="modern",
    )


def candidates(title: str) -> Iterator[str]:
    """Slugs for a menu of this title, the plain one first, unless it is reserved or empty; then with a suffix."""
    plain = slug_of(title)
    if plain and plain not in RESERVED:
        yield plain
    stem = (plain or _FALLBACK)[: MAX_SLUG - _SUFFIX - 1].rstrip("-")
    for _ in range(_TRIES):
        yield f"{stem}-{''.join(secrets.choice(_ALPHABET) for _ in range(_SUFFIX))}"
