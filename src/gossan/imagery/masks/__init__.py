"""Masks of what hides rock."""
