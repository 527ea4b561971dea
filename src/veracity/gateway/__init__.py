"""The gateway: reads devices where the city's network ends, signs, and keeps until the city has it.

It runs on an edge box, so it imports none of the heavy libraries and little else of ours.
"""
