"""From survey tables to checked samples."""
