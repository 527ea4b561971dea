"""Personal fields: encrypted record by record, so that destroying a key erases the record's values."""
