"""What the portal shows, as JSON: one router a noun, all below ``/api/v1``."""
