"""Tables as JSON that may stand inside a page."""

import json
from collections.abc import Iterable, Sequence

from assay.report.tables.contract import ROWS_KEPT, Cell, Column, Table
from assay.report.text import visible


class _Texts:
    """Every text once, by its number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))

    def listed(self) -> list[str]:
        return [visible(text) for text in self._numbers]


def embed(tables: Iterable[Table]) -> str:
    """The tables' rows for the page's script.

    `texts` holds every text once; cells of text columns are numbers into it. A row's detail is a
    pair: labels and texts in turn, and its own rows.

    Raises:
        TypeError: a cell is not what its column says.
    """
    texts = _Texts()
    encoded = {table.id: _table(table, texts) for table in tables}
    document = {"texts": texts.listed(), "tables": encoded}
    written = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    # Inside <script> nothing but "<" could end it or open a comment; ">" and "&" go to be sure.
    return written.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _table(table: Table, texts: _Texts) -> dict[str, object]:
    return {
        "columns": _columns(table.columns),
        "rows": _rows(table.rows[:ROWS_KEPT], table.columns, texts),
        "detailColumns": _columns(table.detail_columns),
        "details": [
            [
                [texts.number(text) for pair in detail.texts for text in pair],
                _rows(detail.rows, table.detail_columns, texts),
            ]
            for detail in table.details[:ROWS_KEPT]
        ],
    }


def _columns(columns: Iterable[Column]) -> list[dict[str, object]]:
    return [{"label": one.label, "show": one.show.value, "facet": one.facet} for one in columns]


def _rows(
    rows: Iterable[Sequence[Cell]], columns: Sequence[Column], texts: _Texts
) -> list[list[float | None]]:
    numbers = [column.show.is_number for column in columns]
    return [
        [_cell(cell, is_number, texts) for cell, is_number in zip(row, numbers, strict=True)]
        for row in rows
    ]


def _cell(cell: Cell, is_number: bool, texts: _Texts) -> float | None:
    if isinstance(cell, str) is is_number or (cell is None and not is_number):
        raise TypeError(f"{cell!r}: a {'number' if is_number else 'text'} is expected")
    return texts.number(cell) if isinstance(cell, str) else cell
