"""Text made fit to be shown: secrets in it are masked.

How it works: all forms that hold anywhere (no path, no context) are held against the text, and
each value is replaced. Known false negatives: secrets that nothing in the text tells from other
words, such as an argument of a program that no form knows.
"""

from functools import cache

from assay.examine.secret_forms.catalogue import RULES
from assay.examine.secret_forms.placeholders import stands_in
from assay.examine.secret_forms.rules import Rule
from assay.examine.secret_forms.scan import MASK

_LONGEST = 4096


def masked(text: str) -> str:
    """The text, at most 4,096 characters of it, with `MASK` in the place of every secret."""
    raw = text[:_LONGEST].encode("utf-8", "backslashreplace")
    spans = sorted(span for rule in _forms() for span in _secrets(rule, raw))
    shown, end = b"", 0
    for start, stop in spans:
        if start >= end:
            shown += raw[end:start] + MASK.encode()
        end = max(end, stop)
    return (shown + raw[end:]).decode("utf-8", "backslashreplace")


@cache
def _forms() -> tuple[Rule, ...]:
    return tuple(rule for rule in RULES if rule.places is None and rule.context is None)


def _secrets(rule: Rule, raw: bytes) -> list[tuple[int, int]]:
    low = raw if rule.case else raw.lower()
    if not any(anchor in low for anchor in rule.anchors):
        return []
    return [
        match.span(name)
        for match in rule.pattern.finditer(raw)
        for name in rule.values
        if match[name] is not None and not stands_in(match[name])
    ]
