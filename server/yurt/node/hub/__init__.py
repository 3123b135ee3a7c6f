"""What the hub of a room does: decide, commit, keep; and what a member node does with its copy."""
