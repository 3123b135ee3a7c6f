"""Consent: strangers ask before they add somebody to a room, and the person answers."""
