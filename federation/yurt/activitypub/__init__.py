"""The fediverse's vocabulary and rules, as plain functions of values."""
