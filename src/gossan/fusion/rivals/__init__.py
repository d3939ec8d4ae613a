"""Models of other authors, under the same protocol."""
