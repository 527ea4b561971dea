"""The rules a contract may hold rows to, one module a rule."""
