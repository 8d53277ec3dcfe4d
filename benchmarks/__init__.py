"""Benchmarks: each runs beside its peers on the same input and prints ratios."""
