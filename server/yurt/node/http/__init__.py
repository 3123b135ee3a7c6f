"""The HTTP side: application, doors, body reading, and the guard against slow connections."""
