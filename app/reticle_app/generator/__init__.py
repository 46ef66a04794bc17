"""Screens made of real Qt widgets, rendered offscreen, with the true boxes of everything visible on them."""
