"""
What a stream sediment stands for
=================================

Rivers have cut the relief, and each sample is the mixture of what its catchment sheds. Taken for squares,
the samples blur the ground; taken for catchments, they give the source map back.
"""

import matplotlib.pyplot as plt
import numpy as np

from gossan.demo import simulate_district
from gossan.demo.fluvial import drainage_of_relief
from gossan.demo.folder import ALTERATION_RATIOS, alteration_ratios
from gossan.fusion.features.sources import LayerFeatures
from gossan.fusion.geostatistical.model import Geostatistical, GeostatisticalSettings
from gossan.fusion.protocol import Observations, Points
from gossan.geo.layer import ArrayLayer
from gossan.imagery.terrain.catchments import delineate

district = simulate_district(
    5, (300, 250), elements=("Cu",), sensors=("aster",), regional_km2=0.6, drained=True
)
grid, table = district.grid, district.fitted.frame
places = table[["easting", "northing"]].to_numpy(float)
relief = district.geology.elevation
found = delineate(drainage_of_relief(grid, relief), places, snap_m=30, stream_km2=0.2)
grounds = found.grounds()
copper = np.log(table.Cu_ppm.str.lstrip("<").to_numpy(float))
points = Points(places, grounds.side_m, grounds=grounds)
ratios = alteration_ratios(district.reflectance["aster"])
features = LayerFeatures(ArrayLayer(grid, tuple(ALTERATION_RATIOS), ratios))
truth = np.log(district.truth["Cu"])
maps = {"truth": truth}
for kind, title in (("square", "squares"), ("catchment", "catchments")):
    model = Geostatistical(GeostatisticalSettings(support=kind, averaging="mode"))
    fitted = model.fit(Observations(points, copper), features)
    maps[title] = fitted.layer(features).read(grid.whole)[0]

west, south, east, north = (edge / 1000 for edge in grid.bounds)
extent = (west, east, south, north)
figure, axes = plt.subplots(1, 4, figsize=(13, 4.2), layout="constrained", sharey=True)
axes[0].imshow(relief, cmap="Greys_r", extent=extent)
own = np.ma.masked_less(found.owner, 0) * 7 % 20
axes[0].imshow(own, cmap="tab20", alpha=0.45, extent=extent, interpolation="nearest")
axes[0].plot(*(places.T / 1000), "k.", ms=4)
axes[0].set_title("own ground of each sample;\nplain: drains past all")
for ax, (title, values) in zip(axes[1:], maps.items()):
    shown = ax.imshow(values, cmap="magma", vmin=np.log(10), vmax=np.log(300), extent=extent)
    skill = 1 - ((values - truth) ** 2).mean() / truth.var()
    ax.set_title(title if values is truth else f"by {title}:\n{skill:.2f} of the variance")
for ax in axes:
    ax.ticklabel_format(useOffset=False)
    ax.set_xlabel("easting, km")
axes[0].set_ylabel("northing, km")
bar = figure.colorbar(shown, ax=axes, shrink=0.8, label="copper, ppm")
bar.set_ticks(np.log([10, 30, 100, 300]), labels=["10", "30", "100", "300"])
plt.show()
