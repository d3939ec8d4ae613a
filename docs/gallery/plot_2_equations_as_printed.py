"""
The paper's equations as printed, and corrected
===============================================

Equations 1 to 3 of Ding et al. (2023), read literally, replace the kriged background by a recoloured
image: the local means go. The sound variant keeps them and adds the imagery's detail to them.
"""

import matplotlib.pyplot as plt
import numpy as np

import gossan as gs
from small_district import small_district

ground = small_district()
literal_pc2 = gs.principal_components(gs.indices(ground.scene, "paper", components="literal"))[
    "pc2"
]
pc2 = gs.principal_components(ground.indices)["pc2"]
maps = {
    "Kriging": gs.Kriging().fit(ground.copper, grid=pc2.grid),
    "As printed": gs.Pyramid(variant="literal", scope="local", transform="identity").fit(
        ground.copper, literal_pc2
    ),
    "Sound": gs.Pyramid(variant="sound", scope="local").fit(ground.copper, pc2),
}

scale = {"cmap": "magma", "vmin": np.log(10), "vmax": np.log(300), "extent": ground.extent}
figure, axes = plt.subplots(1, 3, figsize=(10, 4.2), sharey=True, layout="constrained")
for ax, (title, model) in zip(axes, maps.items()):
    values = model.map()["median"].values
    picture = ax.imshow(np.log(np.clip(values, 1, None)), **scale)
    ax.set_title(title)
    ax.ticklabel_format(useOffset=False)
bar = figure.colorbar(picture, ax=axes, label="copper, ppm", shrink=0.8)
ticks = [10, 20, 50, 100, 200]
bar.set_ticks(np.log(ticks), labels=ticks)
plt.show()
