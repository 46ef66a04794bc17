"""Screens of real Tk widgets with the boxes of everything visible on them."""
