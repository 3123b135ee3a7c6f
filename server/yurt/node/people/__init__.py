"""People as other nodes see them: WebFinger, actors, records, inbox, follows, delivery."""
