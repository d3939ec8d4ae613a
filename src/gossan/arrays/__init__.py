"""Pure array mathematics: arrays in, arrays out; no files, no state."""
