"""CEL by the C++ library."""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, Final, Literal

from cel_expr_python import cel

from assay.model.errors import DataError


class NotMeasured(Enum):
    """The value of an expression that can't be evaluated on what was measured."""

    VALUE = "not measured"


NOT_MEASURED: Final = NotMeasured.VALUE

Type = Literal["map", "string", "bool", "int", "double", "dyn"]
_TYPES: dict[Type, cel.Type] = {
    "map": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
    "string": cel.Type.STRING,
    "bool": cel.Type.BOOL,
    "int": cel.Type.INT,
    "double": cel.Type.DOUBLE,
    "dyn": cel.Type.DYN,
}


class Values:
    """Values of a scope's variables, converted once for any number of expressions."""

    __slots__ = ("activation",)

    def __init__(self, activation: cel.Activation) -> None:
        self.activation = activation


class Scope:
    """The variables that expressions may use, with their types."""

    def __init__(self, variables: Mapping[str, Type]) -> None:
        self._env = cel.NewEnv(variables={name: _TYPES[kind] for name, kind in variables.items()})

    def compile(self, text: str, result: Type, origin: str) -> "Expression":
        """Check an expression's syntax and types.

        Args:
            text: the expression.
            result: the type that it must give.
            origin: file and entry that it stands in, for the error's text.

        Raises:
            DataError: it is malformed or has another type; says line and column.
        """
        try:
            compiled = self._env.compile(text)
        except Exception as error:  # the library raises its own and bare ones
            raise DataError(f"{origin}: {_first_error(str(error))}") from error
        given = compiled.return_type()
        if given not in (_TYPES[result], cel.Type.DYN):
            raise DataError(f"{origin}: gives {given.name()}, must give {result}")
        return Expression(compiled, text)

    def any_of(self, conditions: Iterable["Expression"]) -> "Expression":
        """One condition for many: false only where all are false, else true or not measured."""
        text = " || ".join(f"({condition.text}\n)" for condition in conditions)
        return self.compile(text, "bool", "any of several conditions")

    def values(self, values: Mapping[str, Any]) -> Values:
        """Bind the variables."""
        return Values(self._env.Activation(values))


class Expression:
    """A checked expression; `text` is what it was made from."""

    __slots__ = ("_compiled", "text")

    def __init__(self, compiled: cel.Expression, text: str) -> None:
        self._compiled = compiled
        self.text = text

    def value(self, values: Values) -> Any:
        """The plain value, or `NOT_MEASURED` where evaluation ends in an error."""
        result = self._compiled.eval(values.activation)
        if result.type() in (cel.Type.ERROR, cel.Type.UNKNOWN):
            return NOT_MEASURED
        return result.plain_value()


def _first_error(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[0].removeprefix("INVALID_ARGUMENT: ").strip() if lines else "malformed expression"
