"""The load bench: monocoque against a bare ASGI server that answers the same requests from the same tables."""
