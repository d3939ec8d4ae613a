"""How commands talk: to people in text, to programs in JSON lines, and of failures in one line."""
