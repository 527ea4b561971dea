"""The transparency log: one append-only tree of statements that anyone can check.

Formats are those of C2SP (tlog-tiles, signed-note, tlog-checkpoint, tlog-cosignature,
tlog-proof, tlog-policy) over the Merkle tree of RFC 6962, so any tool of that ecosystem
reads our logs and ours reads theirs.
"""
