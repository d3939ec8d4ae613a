"""
Do the intervals hold?
======================

Of many 90 % intervals, 90 % should contain the value that was measured later. Left: every held-out sample
with its interval, sorted by estimate; red ones were missed. Right: what was promised against what was
reached.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import norm

import gossan as gs
from small_district import small_district

ground = small_district()
model = gs.Geostatistical(averaging="mode").fit(ground.copper, ground.indices)
rows = gs.cross_validate(model, number=5).predictions
rows = rows[rows["model"].str.startswith("Geo")].sort_values("estimate", ignore_index=True)
missed = (rows["observed"] < rows["lower90"]) | (rows["observed"] > rows["upper90"])

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
left.vlines(rows.index, rows["lower90"], rows["upper90"], color="0.8")
left.scatter(rows.index, rows["observed"], c=np.where(missed, "tab:red", "tab:blue"), s=8, zorder=3)
left.set_yscale("log")
left.set_xlabel("held-out samples, by estimate")
left.set_ylabel("copper, ppm")
levels = np.linspace(0.05, 0.95, 19)
score = abs(rows["observed_working"] - rows["estimate_working"]) / rows["standard_error"]
right.plot([0, 1], [0, 1], color="0.6")
right.plot(levels, [(score <= norm.ppf((1 + level) / 2)).mean() for level in levels], "o-")
right.set_xlabel("promised")
right.set_ylabel("reached")
right.set_aspect("equal")
plt.show()
