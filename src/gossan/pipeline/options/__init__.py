"""The project file: its settings, products and template."""
