"""The grounder on many processors: a Ray Serve deployment behind Reticle's own HTTP server, and Ray Data for labelling.

Ray is imported inside functions alone: it comes with the extra ``ray`` and is missing on most machines.
"""
