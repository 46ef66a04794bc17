"""Measures of sparse prefill: kernels and whole models beside dense attention, and needles in planted haystacks."""
