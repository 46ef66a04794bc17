"""A local vision-language model that writes: one answer of a given grammar to a prompt of words and screenshots.

What is written, and what it is good for, is the caller's; docs/local-planner.md tells what the agent does with it.
"""
