"""Rooms between nodes: the exchange door, one replicator a peer, submissions and claims."""
