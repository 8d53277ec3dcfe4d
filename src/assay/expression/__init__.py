"""Expressions that decide: the Common Expression Language behind one small module.

Takes: an expression's text and the types of its variables; values. Gives: a plain value, or
*not measured*. Must not know: what the variables mean.

CEL terminates always, has no side effects and is type-checked before it runs. An evaluation
error (a missing key, null compared to a number) is *not measured*, never false.
Source: CEL language definition, https://github.com/cel-expr/cel-spec.
"""

from assay.expression.cel import NOT_MEASURED, Expression, NotMeasured, Scope, Values

__all__ = ["NOT_MEASURED", "Expression", "NotMeasured", "Scope", "Values"]
