"""Entities that clients made: two feeds of ours, and what they say."""
