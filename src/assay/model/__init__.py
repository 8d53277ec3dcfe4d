"""What the words of the design are: frozen types, canonical encoding, the one error root.

Takes: nothing. Gives: the types that rooms hand to each other. Must not know: any other room,
files, clocks, network.
"""
