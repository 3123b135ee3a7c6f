"""Joining rooms by link, letting others in, leaving, banning."""
