"""The geostatistical model: imagery at the samples' support plus a spatial field."""
