"""Migrations between real nodes, played from a scenario and measured, for researchers."""
