"""Which messages a second, independent copy exists of: checkpoints as the client signs and believes them."""
