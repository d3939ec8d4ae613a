"""A simulated district with known truth: geology, scene, surveys."""
