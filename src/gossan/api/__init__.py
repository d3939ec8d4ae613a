"""The Python door: what ``import gossan`` offers, built on the same rooms as the command line."""
