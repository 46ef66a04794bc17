"""The pointer model: backbone families, pointer head, prompts, picture preparation, checkpoints, inference."""
