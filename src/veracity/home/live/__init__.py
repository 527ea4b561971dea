"""Live messages, from the door to the batch; nothing here knows a broker."""
