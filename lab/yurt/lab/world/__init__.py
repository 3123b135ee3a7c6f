"""Worlds of real nodes on this machine: for the demo, the lab and the tests of several nodes."""
