"""
What a sample stands for
========================

A composite of 600 m averages the ground: its contents vary less than those of single pixels. Comparing a
pixel's estimate with a composite, or a composite with a threshold for grabs, mixes two supports.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import uniform_filter

from small_district import small_district

ground = small_district()
truth = np.log(ground.truth)
pixels = round(600 / ground.district.grid.pixel_width)
composite = np.log(uniform_filter(ground.truth, pixels))

figure, axes = plt.subplots(1, 3, figsize=(11, 3.8), layout="constrained")
for ax, values, title in zip(axes, (truth, composite), ("pixels of 30 m", "squares of 600 m")):
    ax.imshow(values, cmap="magma", vmin=np.log(10), vmax=np.log(300), extent=ground.extent)
    ax.set_title(f"True copper, {title}")
    ax.ticklabel_format(useOffset=False)
bins = np.linspace(truth.min(), truth.max(), 40)
for values, label in ((truth, "pixels"), (composite, "squares")):
    axes[2].hist(values.ravel(), bins, density=True, histtype="step", label=label)
axes[2].set_xticks(np.log([10, 30, 100, 300]), [10, 30, 100, 300])
axes[2].set_xlabel("copper, ppm")
axes[2].set_title("The same ground, two histograms")
axes[2].legend()
plt.show()
