"""Over HTTP: a log for anyone to read, and a witness for logs to ask. Nothing imports this but ``cli``."""
