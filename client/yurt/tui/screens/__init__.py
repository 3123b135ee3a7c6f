"""Screens: the only places that know two widgets."""
