"""From a coarse survey and fine imagery to a fine element map (Ding et al. 2023, section 4.3)."""
