"""City applications, one folder each, all of one shape: see ``models.app``."""
