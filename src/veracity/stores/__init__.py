"""The stores a city stands on: objects in a directory, small state in a database."""
