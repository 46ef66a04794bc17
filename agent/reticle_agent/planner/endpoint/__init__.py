"""A planner behind any OpenAI-compatible chat-completions endpoint; docs/endpoint-planner.md describes it."""
