"""What a browser sees of a node: front page, profiles, invites, errors. No script, nothing from elsewhere."""
