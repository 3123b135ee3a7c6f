"""Commands, frames and problems between client, node and node; the strict gate; limits."""
