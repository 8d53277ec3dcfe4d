"""Documents of the field, out of an evaluation.

Takes: an evaluation. Gives: JSON-ready documents. Must not know: files, clocks, how anything was
measured. The same evaluation gives the same document.
"""
