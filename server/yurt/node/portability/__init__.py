"""Carrying networks: lists, imports as jobs, exports, and kits that are kept for others."""
