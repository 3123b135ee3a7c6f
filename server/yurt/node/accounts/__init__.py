"""Accounts by invite, sign-in, tokens and key packages."""
