"""The sources outside: one class each, on one base."""
