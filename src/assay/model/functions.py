"""Classes of library functions, by which call sites are counted. The lists themselves are data."""

from enum import StrEnum

from assay.model.base import Frozen


class Family(StrEnum):
    """The families that the oversight reports count, and the rest."""

    MEMCPY = "memcpy_like"
    STRCPY = "strcpy_like"
    SPRINTF = "sprintf_like"
    BANNED = "banned"


class Safety(StrEnum):
    """Whether a function checks the size of its destination.

    safe: takes the destination's size and checks it. bounded: takes a length that is not the
    destination's, or may leave the result without terminator. unsafe: takes neither.
    """

    SAFE = "safe"
    BOUNDED = "bounded"
    UNSAFE = "unsafe"


class FunctionClass(Frozen):
    """One function's class, with the standard or document that says so."""

    name: str
    family: Family
    safety: Safety
    source: str
    note: str = ""


class FunctionClasses(Frozen):
    """A versioned list of function classes."""

    version: str
    functions: tuple[FunctionClass, ...]

    def by_name(self) -> dict[str, FunctionClass]:
        """The classes by function name."""
        return {function.name: function for function in self.functions}
