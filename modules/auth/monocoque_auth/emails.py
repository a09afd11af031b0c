"""E-mail addresses: their syntax, and the form in which two spellings are the same address."""

from __future__ import annotations

import unicodedata

from email_validator import EmailNotValidError, validate_email


class EmailInvalid(ValueError):
    """The text is no e-mail address; the message never quotes it."""


def normalise_email(text: str) -> str:
    """The address in NFC with its domain in lower case; EmailInvalid for a text that is none. Nobody is asked."""
    try:
        found = validate_email(text.strip(), strict=True, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise EmailInvalid("Give an e-mail such as ada@example.org.") from None
    return found.normalized


def email_key(text: str) -> str:
    """What accounts are found by: without regard to case. A text that is no address has a key that no account has."""
    try:
        text = normalise_email(text)
    except EmailInvalid:
        text = text.replace("@", " ")
    return unicodedata.normalize("NFC", text.casefold())
