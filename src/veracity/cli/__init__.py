"""The command line: ``veracity <noun> <verb>``."""
