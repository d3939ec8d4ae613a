"""Knowledge as data: sensors, alteration indices, elements and their units."""
