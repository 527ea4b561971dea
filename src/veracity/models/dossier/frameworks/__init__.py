"""Lists of requirements as data: one YAML file a framework, and the people that they name."""
