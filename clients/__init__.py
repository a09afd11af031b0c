"""Clients generated from the OpenAPI document, and the journey that shows that they work: `make clients`."""
