"""Parts of the kernel examiner: banner, boot formats, configuration, and the options that count.

Takes: bytes. Gives: what a kernel says of itself. Must not know: other files, thresholds.
"""
