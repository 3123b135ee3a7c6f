"""A community server: one domain, one database. It orders and keeps what it cannot read."""
