"""
From a coarse survey to a fine map
==================================

One composite sample of stream sediment for every 0.6 km2, kriged; the same samples joined with the
alteration indices of an ASTER scene; and the truth, which no real survey knows. One colour scale.
"""

import matplotlib.pyplot as plt
import numpy as np

import gossan as gs
from small_district import small_district

ground = small_district()
kriged = gs.Kriging().fit(ground.copper, grid=ground.indices.grid).map()["median"]
fused = gs.Geostatistical(averaging="mode").fit(ground.copper, ground.indices).map()["median"]

scale = {"cmap": "magma", "vmin": np.log(10), "vmax": np.log(300), "extent": ground.extent}
figure, axes = plt.subplots(1, 3, figsize=(10, 4.2), sharey=True, layout="constrained")
for ax, values, title in zip(
    axes, (kriged, fused, ground.truth), ("Kriging: samples only", "With imagery", "Truth")
):
    picture = ax.imshow(np.log(values), **scale)
    ax.set_title(title)
    ax.ticklabel_format(useOffset=False)
    ax.set_xlabel("easting, km")
axes[0].plot(*ground.places.T, "w.", markersize=2)
axes[0].set_ylabel("northing, km")
bar = figure.colorbar(picture, ax=axes, label="copper, ppm", shrink=0.8)
ticks = [10, 20, 50, 100, 200]
bar.set_ticks(np.log(ticks), labels=ticks)
plt.show()
