"""One module for each subject of measurement."""
