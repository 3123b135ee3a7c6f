"""A person's devices: linking one, revoking one, and being in every room with each."""
