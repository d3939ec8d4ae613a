"""From scenes as downloaded to alteration information (Ding et al. 2023, section 4.1)."""
