"""Generated screens with true boxes, the tokenizer and the trainer of the embedded checkpoint."""
