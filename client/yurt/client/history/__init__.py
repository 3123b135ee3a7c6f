"""History for joiners: given, fetched, and told apart from what this device saw itself."""
