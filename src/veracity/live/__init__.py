"""The city running: broker, workers, schedules and sources, in one process tree."""
