"""Widgets: each owns its messages, keys and colours, and knows no other."""
