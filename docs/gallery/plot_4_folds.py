"""
Random folds flatter, spatial folds tell
========================================

With random folds (left) nearly every held-out sample has a fitted neighbour, which a map between the
samples has not. Blocks (right) hold whole squares out: the distance to the nearest fitted sample is then
that of the map's own pixels, or longer.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.spatial import KDTree

import gossan as gs
from small_district import small_district

ground = small_district()
kriged = gs.Kriging().fit(ground.copper)
found = gs.cross_validate(kriged, folds=["random", "blocks"], number=5).predictions

figure, axes = plt.subplots(1, 2, figsize=(8, 4.2), sharey=True, layout="constrained")
for ax, kind in zip(axes, ("random", "blocks")):
    rows = found[found["comparison"] == kind]
    places = rows[["easting", "northing"]].to_numpy() / 1000
    ax.scatter(*places.T, c=rows["fold"], cmap="tab10", s=18)
    away = [
        KDTree(places[rows["fold"] != fold]).query(places[rows["fold"] == fold])[0]
        for fold in rows["fold"].unique()
    ]
    ax.set_title(f"{kind}: {np.median(np.concatenate(away)):.1f} km to the nearest fitted sample")
    ax.set_aspect("equal")
    ax.ticklabel_format(useOffset=False)
plt.show()
