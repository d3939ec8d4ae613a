"""Steps of the command that makes kriged element layers."""
