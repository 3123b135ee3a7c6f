"""What an operator does with a node: init and invite."""
