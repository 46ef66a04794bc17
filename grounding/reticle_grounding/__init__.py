"""Reticle."""
