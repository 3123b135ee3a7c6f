"""The terminal client: screens and widgets over the engine. No rule, no network."""
