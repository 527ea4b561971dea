"""A contract proposed from data: guesses, each with its reason. Pure: a sample in, YAML text out."""
