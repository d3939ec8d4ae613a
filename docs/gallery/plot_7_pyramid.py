"""
Low and high frequency: the Laplacian pyramid
=============================================

The paper splits an image into a smooth background and detail, and takes the background from the survey and
the detail from the imagery. Three levels of the second principal component of the indices.
"""

import matplotlib.pyplot as plt
import numpy as np

import gossan as gs
from gossan.arrays.pyramid import low_pass
from small_district import small_district

ground = small_district()
pc2 = gs.principal_components(ground.indices)["pc2"].values[0].astype(float)
pc2 = np.where(np.isfinite(pc2), pc2, np.nanmedian(pc2))

figure, axes = plt.subplots(2, 3, figsize=(9, 7), layout="constrained")
spread = np.percentile(abs(pc2 - pc2.mean()), 98)
for column, levels in zip(axes.T, (1, 3, 5)):
    low = low_pass(pc2[None], levels)[0]
    column[0].imshow(low, vmin=pc2.mean() - spread, vmax=pc2.mean() + spread, extent=ground.extent)
    column[0].set_title(f"background, {levels} level{'s' if levels > 1 else ''}")
    column[1].imshow(pc2 - low, vmin=-spread, vmax=spread, cmap="RdBu_r", extent=ground.extent)
    column[1].set_title("detail")
for ax in axes.flat:
    ax.set_axis_off()
plt.show()
