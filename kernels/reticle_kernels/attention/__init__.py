"""Attention: the dense reference, the patterns it can be restricted to, and batched windows."""
