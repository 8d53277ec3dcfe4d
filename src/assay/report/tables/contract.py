"""What a table of the report is: columns, rows, and what a row opens to."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from assay.model.evaluation import Evaluation

Cell = str | int | float | None

ROWS_KEPT = 20_000
"""Rows of one table that the page carries: a hostile image can make millions."""

_PAGE = 50
_WHOLE_PAGE = 1_000


class Show(StrEnum):
    """How a column's cells are shown. Numbers and offsets hold numbers, all others texts."""

    TEXT = "text"
    SHORT = "short"  # never broken over lines
    CODE = "code"
    HASH = "hash"
    NUMBER = "number"
    OFFSET = "offset"
    SEVERITY = "severity"
    ANSWER = "answer"  # yes/full is well, no/none is not

    @property
    def is_number(self) -> bool:
        """Whether cells hold numbers."""
        return self in (Show.NUMBER, Show.OFFSET)


@dataclass(frozen=True, slots=True)
class Column:
    """A column; a `facet` can be filtered by its values."""

    label: str
    show: Show = Show.TEXT
    facet: bool = False


@dataclass(frozen=True, slots=True)
class Detail:
    """What a row opens to: labelled texts, and rows of the table's detail columns."""

    texts: tuple[tuple[str, str], ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A table. `empty` is the sentence that stands where there are no rows.

    `details` is empty or holds one entry a row. `detail_columns` are those of the details' rows.
    `opened` says that the rows stand open where no script runs; `whole` that readers without
    script, and on paper, need all rows.
    """

    id: str
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Cell, ...]]
    empty: str
    lead: str = ""
    details: Sequence[Detail] = ()
    detail_columns: tuple[Column, ...] = ()
    opened: bool = False
    whole: bool = False

    @property
    def page(self) -> int:
        """Rows that stand in the page itself, and that the script shows at a time."""
        return _WHOLE_PAGE if self.whole else _PAGE


@dataclass(frozen=True, slots=True)
class Section:
    """Tables under one heading."""

    id: str
    title: str
    lead: str
    tables: tuple[Table, ...]


def nothing(evaluation: Evaluation, measure: str, said: str) -> str:
    """What stands in place of an empty table: `said` only if it was measured."""
    if evaluation.measures.get(measure) is None:
        return "Not measured."
    return said
