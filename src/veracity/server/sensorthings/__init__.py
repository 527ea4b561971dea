"""OGC SensorThings 1.1 and 2.0 over the lake: parsers and entities are pure; ``routes`` is the edge."""
