"""The one error root. Everything that Assay raises on purpose is below it.

AssayError
├── InputError    what was handed in can't be used: names the file and, where known, the offset
├── DataError     a data file of ours or of the user's (lists, rules, knowledge) is malformed
└── StoreError    the workspace can't be read or written
"""


class AssayError(Exception):
    """Root of the errors that a user can do something about.

    Args:
        message: what is wrong, in one sentence, naming the file.
        hint: what to do about it; shown by the edges beneath the message.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def diagnostics(self) -> str:
        """The message and, on a line of its own, the hint."""
        return f"{self}\n{self.hint}" if self.hint else str(self)


class InputError(AssayError):
    """What was handed in can't be used."""

    def __init__(self, path: str, reason: str, offset: int | None = None, hint: str = "") -> None:
        where = path if offset is None else f"{path} at offset {offset:#x}"
        super().__init__(f"{where}: {reason}", hint)
        self.path = path
        self.offset = offset


class DataError(AssayError):
    """A data file is malformed."""


class StoreError(AssayError):
    """The workspace can't be read or written."""
