"""NGSI-LD (ETSI GS CIM 009 v1.8.1): a read view of the city's rows as entities, now and over time."""
