"""Who asks, and what they may: the doors of every route, tokens, signing in, limits and headers."""
