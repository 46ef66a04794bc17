"""Records what a person does on the desktop as a trace like any other: what was under the pointer gives the words."""
