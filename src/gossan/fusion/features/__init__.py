"""What the imagery, or a column of the survey, says at any place and support."""
