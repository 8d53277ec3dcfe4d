"""Assay: vendor security oversight that anyone can re-run."""

__version__ = "0.1.0"
