"""What a gateway reads: each kind a module, with its configuration and one call that reads until stopped."""
