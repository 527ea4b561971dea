"""The catalogue: what data there is, how good it is, whence it came, and its files with their proofs."""
