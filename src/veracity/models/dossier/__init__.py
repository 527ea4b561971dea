"""Dossiers: what a law or a standard asks of a system, answered from evidence or left to a person by name."""
