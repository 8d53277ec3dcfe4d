"""Ways to recognise third-party software in one file's content.

Takes: a file's bytes, name and linkage. Gives: sightings. Must not know: other files, thresholds.
"""
