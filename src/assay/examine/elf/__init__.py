"""Parts that examiners of ELF files share: structure, notes, function bounds.

Takes: an ELF file as `lief` parsed it, and its bytes. Gives: plain values. Must not know:
observations of other examiners, the file system.
"""
