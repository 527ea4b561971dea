"""Who may do what over the network: accounts with roles, their tokens and sessions, and the log of it."""
