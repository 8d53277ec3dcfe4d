"""The terminal's edge: arguments, exit codes, tables.

Takes: words. Gives: text and an exit code. Must not know: how anything is done; `web`.
"""
