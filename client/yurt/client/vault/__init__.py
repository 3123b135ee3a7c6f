"""What this person's client keeps, encrypted: one SQLCipher file."""
