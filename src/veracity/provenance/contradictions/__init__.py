"""Statements of one log that cannot all be true: found one statement at a time, in bounded memory."""

from veracity.provenance.contradictions.contradictions import Contradictions
from veracity.provenance.contradictions.found import Contradiction

__all__ = ["Contradiction", "Contradictions"]
