"""Streams: the WebSocket between a client and its own node, and the fan-out of committed rows."""
