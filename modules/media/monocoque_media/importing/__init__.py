"""Reading what other services, and we ourselves, export: pure functions from a file to rows."""
