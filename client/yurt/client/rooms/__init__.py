"""What the engine does in rooms: create, invite, join, commit, send, receive."""
