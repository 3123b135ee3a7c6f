"""Worlds of real nodes as processes: for the demo, the tests and the measurements."""
