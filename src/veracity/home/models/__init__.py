"""Models of one city: trained, assured, released, put to use and scored, each step said in the log."""
