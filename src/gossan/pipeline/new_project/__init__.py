"""From files to a filled project file: what the tables and scenes say, and what is assumed."""
