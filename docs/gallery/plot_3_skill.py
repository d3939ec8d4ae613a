"""
Is it better than kriging?
==========================

Skill is the share of kriging's squared error that a map saves at samples it has not seen. The bars are 95 %
intervals; one that reaches 0 proves nothing.
"""

import matplotlib.pyplot as plt

import gossan as gs
from small_district import small_district

ground = small_district()
pc2 = gs.principal_components(ground.indices)["pc2"]
models = [
    gs.Kriging().fit(ground.copper, grid=pc2.grid),
    gs.Pyramid(variant="sound", scope="local").fit(ground.copper, pc2),
    gs.Geostatistical(averaging="mode").fit(ground.copper, ground.indices),
]
scores = gs.cross_validate(models, folds="blocks", number=5).scores.iloc[1:]

figure, ax = plt.subplots(figsize=(6.5, 2.2), layout="constrained")
middle = scores["skill"]
spread = [middle - scores["skill_low"], scores["skill_high"] - middle]
ax.errorbar(middle, ["Sound pyramid", "Geostatistical"], xerr=spread, fmt="o", capsize=4)
ax.axvline(0, color="0.4", linewidth=1)
ax.set_xlabel("skill over kriging (0: as good; 1: no error left)")
ax.margins(y=0.4)
plt.show()
