"""Verifiable data and AI for cities."""

__version__ = "0.1.0"
