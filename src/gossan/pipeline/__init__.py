"""The project file and the walk from survey and scenes to maps."""
