"""Rules of rooms that nodes and clients share: what is common, what a hub decides, what a member decides."""
