"""The client engine: vault, session, outbox, rooms. No screen."""
