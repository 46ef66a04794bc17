"""Finding the place on a screenshot that words mean."""
