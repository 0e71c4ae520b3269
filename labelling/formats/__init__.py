"""Labelled rows to the files of other tools: a file a format, and a line in `registry`."""
