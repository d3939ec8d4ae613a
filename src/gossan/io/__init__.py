"""The doors: the run folder and what is written into it."""
