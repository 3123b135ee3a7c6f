"""What a member decides: staging, sending, receiving."""
