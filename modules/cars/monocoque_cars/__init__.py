"""The cars a person owns."""
