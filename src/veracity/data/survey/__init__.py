"""What a person wants to see of checked files: counted and binned in bounded memory, part by part."""
