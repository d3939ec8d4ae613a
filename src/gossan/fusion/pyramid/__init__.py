"""The paper's fusion: low frequencies regressed, high frequencies injected (section 4.3)."""
