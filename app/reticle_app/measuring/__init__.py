"""Measurements of the window: frames, delays, start and memory. Each part runs in a process of its own."""
