"""Who starts programs at boot: one module for each manager's files.

Takes: the lines of one file. Gives: what is started. Must not know: other files.
"""
