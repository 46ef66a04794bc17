"""Parts of the windows; each paints and reports, none of them knows the model or the agent."""
