"""Settings that weaken a system, by the configuration file that they stand in.

Takes: one file's lines. Gives: weaknesses. Must not know: other files; what is acceptable.
"""
