"""The tables that an evaluator needs, one module a subject.

Takes: an evaluation. Gives: tables of plain cells. Must not know: HTML, scripts.
"""
