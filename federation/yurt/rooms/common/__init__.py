"""Entries, chain, policy, judge and content: what hub and members must see alike."""
