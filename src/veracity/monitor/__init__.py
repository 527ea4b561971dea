"""Following a log from outside: what somebody who does not run it can check, and what they say of it."""
