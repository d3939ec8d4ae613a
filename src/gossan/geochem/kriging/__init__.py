"""Kriging: ordinary, simple, universal, block; local and global."""
