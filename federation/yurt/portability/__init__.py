"""Packing up: the files, the kit and the figures with which a network moves; no I/O and no clock."""
