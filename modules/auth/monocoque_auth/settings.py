"""What can be configured about accounts and sign-in."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from monocoque_auth.passwords import MAX_ROUNDS, MIN_ROUNDS

LEEWAY = timedelta(seconds=30)
"""How far the clocks of two machines may be apart."""


class AuthSettings(BaseSettings):
    """The settings of auth, read from the environment and `.env`; every variable is prefixed `MONOCOQUE_AUTH_`."""

    model_config = SettingsConfigDict(
        env_prefix="MONOCOQUE_AUTH_",
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    registration_open: bool = Field(default=True, description="Whether anyone may register.")
    password_rounds: int = Field(
        12, ge=MIN_ROUNDS, le=MAX_ROUNDS, description="Cost of a password hash: 2 to this power; each step doubles it."
    )
    password_workers: int = Field(2, ge=1, le=64, description="Passwords that a process hashes at the same time.")
    # A process keeps what it hears of an ended session for an hour: no token may live longer than that.
    access_token_minutes: int = Field(15, ge=1, le=55, description="Minutes that an access token lives.")
    session_days: int = Field(30, ge=1, le=3650, description="Days without use after which a session ends.")
    refresh_grace_seconds: int = Field(
        10, ge=0, le=300, description="Seconds in which a refresh token that was just used is answered again."
    )
    login_attempts_per_account: int = Field(
        10, ge=1, le=1_000_000, description="Failed sign-ins to an account before it has to wait."
    )
    login_attempts_per_address: int = Field(
        100, ge=1, le=1_000_000, description="Failed sign-ins from an address before it has to wait."
    )
    login_attempts_minutes: int = Field(
        15, ge=1, le=1440, description="Minutes over which failed sign-ins are counted."
    )

    @property
    def access_lifetime(self) -> timedelta:
        """How long an access token lives by its own statement."""
        return timedelta(minutes=self.access_token_minutes)

    @property
    def revocation_lifetime(self) -> timedelta:
        """How long an ended session must be remembered: until the youngest of its access tokens has expired."""
        return self.access_lifetime + 2 * LEEWAY

    @property
    def session_lifetime(self) -> timedelta:
        return timedelta(days=self.session_days)
