"""Who said what, and how anyone can check it: keys, envelopes, statements, receipts, lineage."""
