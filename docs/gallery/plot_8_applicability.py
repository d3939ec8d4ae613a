"""
Where the map may be believed: area of applicability
====================================================

Ground whose imagery is unlike that of every sample is outside the area of applicability (Meyer & Pebesma
2021). An estimate there rests on the form of the model, not on experience; the report hatches it.
"""

import matplotlib.pyplot as plt

import gossan as gs
from gossan.evaluate.applicability import fit_applicability
from gossan.evaluate.folds import ValidationSettings, divide
from small_district import small_district

ground = small_district()
model = gs.Geostatistical(averaging="mode").fit(ground.copper, ground.indices)
samples = model.data_.observations
division = divide(samples, ValidationSettings(folds=5), model.features_.grid, seed=7)
known = fit_applicability(samples, model.features_, division.spatial.labels)
index = known.index_of_bands(ground.indices.values)

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 4.6), sharey=True, layout="constrained")
picture = left.imshow(index, vmin=0, vmax=2 * known.threshold, extent=ground.extent)
left.set_title("dissimilarity index")
figure.colorbar(picture, ax=left, shrink=0.7)
right.imshow(index <= known.threshold, cmap="Greens", vmin=0, vmax=2, extent=ground.extent)
right.plot(*ground.places.T, "k.", markersize=3)
right.set_title("inside the area (green), and the samples")
for ax in (left, right):
    ax.ticklabel_format(useOffset=False)
plt.show()
