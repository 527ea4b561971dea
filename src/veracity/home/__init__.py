"""A city's home: one directory, and what is done in it. Composes log, provenance, data and feeds."""
