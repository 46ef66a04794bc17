"""What kind of control stands where on a screen, told from looks, words and surroundings."""
