"""From maps to anomalies and targets (Ding et al. 2023, section 5)."""
