"""The one SQLite database of a node: named units of work; no connection and no SQL leaves this package."""
