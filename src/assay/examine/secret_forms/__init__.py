"""The forms in which secrets stand in files: how they are found, parsed, told from placeholders.

Takes: bytes. Gives: places and parsed values for the examiners beside it. Must not know:
observations' judgement, the tree.
"""
