"""Forms of package databases.

Takes: one database's bytes. Gives: the packages that it says are installed. Must not know: other
files, which components matter.
"""
