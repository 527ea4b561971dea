"""Feeds: the edges that bring bytes in. A core below never opens a file or a socket."""
