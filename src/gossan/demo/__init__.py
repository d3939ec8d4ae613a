"""A simulated district with known truth: geology, scene, surveys.

>>> from gossan.demo import simulate_district
>>> simulate_district(seed=7, shape=(50, 40)).grid.shape
(50, 40)
"""

from gossan.demo.district import District, simulate_district
from gossan.demo.folder import write_district

__all__ = ["District", "simulate_district", "write_district"]
