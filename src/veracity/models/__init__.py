"""Models that answer for themselves: estimators, training, assurance, cards, scores. Pure."""
