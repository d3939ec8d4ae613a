"""From survey tables to element layers (Ding et al. 2023, section 4.2)."""
