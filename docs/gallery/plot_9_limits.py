"""
Where imagery helps, and where it cannot
========================================

The same survey, the same scene, and skill at every pixel against the truth: copper on bare rock, copper
under transported cover, and tin, which leaves no alteration. Only the first is a case for imagery.
"""

import matplotlib.pyplot as plt
import numpy as np

import gossan as gs
from small_district import small_district

ground = small_district()
finer = ground.indices.grid.height // ground.district.grid.height


def at_pixels(values):
    """Bring what is known of the district to the pixels of the scene."""
    return values.repeat(finer, axis=0).repeat(finer, axis=1)


cover = at_pixels(ground.district.masks["quaternary"])


def squared_errors(element):
    """Squared errors of ln ppm at every pixel: of kriging, and of the map with imagery."""
    samples = ground.survey.element(element)
    truth = at_pixels(np.log(ground.district.truth[element]))
    maps = (
        gs.Kriging().fit(samples, grid=ground.indices.grid),
        gs.Geostatistical(averaging="mode").fit(samples, ground.indices),
    )
    return [(np.log(one.map()["median"].values) - truth) ** 2 for one in maps]


copper, tin = squared_errors("Cu"), squared_errors("Sn")
cases = [
    ("copper, bare rock", copper, ~cover),
    ("copper, transported cover", copper, cover),
    ("tin", tin, np.ones_like(cover)),
]
skills = [1 - fused[place].mean() / kriged[place].mean() for _, (kriged, fused), place in cases]

figure, (left, right) = plt.subplots(
    1, 2, figsize=(9, 4), layout="constrained", width_ratios=(1, 1.4)
)
truth = np.where(cover, np.nan, at_pixels(np.log(ground.truth)))
left.imshow(truth, cmap="magma", vmin=np.log(10), vmax=np.log(300), extent=ground.extent)
left.imshow(np.where(cover, 1.0, np.nan), cmap="Greys", vmin=0, vmax=3, extent=ground.extent)
left.set_title("true copper; grey: transported cover")
left.set_xlabel("easting, km")
left.set_ylabel("northing, km")
left.ticklabel_format(useOffset=False)
right.barh([name for name, *_ in cases], skills, color=["tab:green", "tab:red", "tab:gray"])
right.axvline(0, color="0.3", linewidth=1)
right.invert_yaxis()
right.set_xlabel("skill over kriging (0: as good)")
plt.show()
