"""Moving: what a move would do, the move itself step by step, the rescue, and what arrived."""
