"""Doing a recorded run again, and asking of a recorded run what another model or other words would have found."""
