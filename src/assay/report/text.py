"""Text out of an image, made fit for a reader's eye."""

from datetime import UTC, datetime

from assay.model.measure import MeasureInfo, Unit, Value

NOT_MEASURED = "not measured"
NO_MEANING = "–"


def visible(text: str) -> str:
    """A text in which nothing is invisible or acts on its surroundings.

    What Unicode calls not printable (control and format characters, among them those that turn
    the direction of writing, line separators, unpaired surrogates) is shown as `\\x1b`.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(ord(char)) for char in text)


def _escape(code: int) -> str:
    if code <= 0xFF:  # noqa: PLR2004 (what \x reaches)
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 (\u)


def number(value: float | None) -> str:
    """A number with thousands apart, fractions to two places."""
    if value is None:
        return NOT_MEASURED
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def percent(share: float | None) -> str:
    """A share of 1 as a percentage. Never rounded up to all or down to nothing."""
    if share is None:
        return NOT_MEASURED
    text = f"{share:.1%}"
    if text == "100.0%":
        return "100%" if share >= 1 else "over 99.9%"
    if text == "0.0%":
        return "0%" if share <= 0 else "under 0.1%"
    return text


def size(count: float) -> str:
    """Bytes in a unit of a reader's measure (powers of 1,000)."""
    amount = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":  # noqa: PLR2004 (SI)
            break
        amount /= 1000
    return f"{amount:,.0f} bytes" if unit == "bytes" else f"{amount:,.1f} {unit}"


def measure_value(info: MeasureInfo, value: Value) -> str:
    """A measure's value in its unit."""
    if value is None:
        return NOT_MEASURED
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    if info.unit is Unit.SHARE:
        return percent(value)
    return number(value)


def moment(text: str) -> str:
    """An ISO 8601 time as it is printed, in UTC where it names its zone; else as it stands."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return text
    if when.tzinfo is None:
        return f"{when:%Y-%m-%d %H:%M}"
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def answer(value: bool | None) -> str:
    """Yes, no, or not measured."""
    if value is None:
        return NOT_MEASURED
    return "yes" if value else "no"


def plural(count: int, one: str, many: str = "") -> str:
    """A count with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
