"""Static pages for people: what was found, as HTML that needs no server, no script and nothing else."""
