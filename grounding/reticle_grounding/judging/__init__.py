"""True or false: is this place what the instruction means? A small verifier over what was read and seen around it."""
