"""The way from received bytes to a clean, synchronised panel. Pure: bytes and frames in and out."""
