"""Quality control of the laboratory: standards, blanks, duplicates, and the precision they show."""
