"""Conversations with clients of other software (SWICG): shown a key package, and politely refused so far."""
