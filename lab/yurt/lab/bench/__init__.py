"""Figures: what one real node does on this machine, beside a bare broadcast in the same run."""
