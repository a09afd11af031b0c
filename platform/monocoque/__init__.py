"""monocoque: a shell that discovers, orders and mounts domain modules over one PostgreSQL."""

__version__ = "0.1.0"
