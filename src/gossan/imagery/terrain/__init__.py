"""What a terrain model says of the ground: its shape, and where water runs."""
