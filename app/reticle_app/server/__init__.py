"""Reticle for other programs: over HTTP and as tools of the Model Context Protocol, both on :mod:`reticle_app.api`."""
