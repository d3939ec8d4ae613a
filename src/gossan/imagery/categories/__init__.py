"""Maps of categories, such as geology and soil, as features."""
