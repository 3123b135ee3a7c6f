"""Carrying a network: export, import, and the continuity kit."""
