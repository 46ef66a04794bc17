"""Words and icon functions, as data files."""
