"""One engine per vault: who holds it serves the others."""
