"""What a long run, or earlier runs, have to say to the planner of the next step, within a budget of tokens."""
