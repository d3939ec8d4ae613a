"""How good a map is, measured where it was not fitted (Ding et al. 2023, section 4.4)."""
