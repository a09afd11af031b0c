"""Every statement of media."""
