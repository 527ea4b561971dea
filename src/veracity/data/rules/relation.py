"""Relation: what must hold between the values of one row."""

from dataclasses import dataclass, field

import polars as pl

from veracity.data.place import within
from veracity.data.rules.formula import FORMULA_CHARS, Formula, parse_formula
from veracity.data.rules.parameters import Parameters, Scope
from veracity.data.rules.rule import Rule


@dataclass(frozen=True)
class Relation(Rule):
    """The values of a row agree with each other.

    ``{rule: relation, expect: "dew_point <= temperature + 0.5"}`` with a name on the schema object,
    or under the property it is about. The language is that of ``formula``. A row is not asked where
    a column that the formula names is absent, a divisor is 0, or a value is beyond the largest float.

    Attributes
    ----------
    expect
        ``expect``: the formula that must hold, as written.
    columns
        The columns it names.
    formula
        The formula as it was read.
    """

    expect: str
    columns: tuple[str, ...]
    formula: Formula = field(compare=False, repr=False)

    def broken(self) -> pl.Expr:
        """Return where the formula does not hold; null where it is not asked."""
        return ~self.formula.truth

    def to_object(self) -> dict[str, object]:
        """Return the rule as JSON: the formula's text says all of it."""
        told = dict(super().to_object())
        told.pop("formula")
        return told


def read_relation(scope: Scope, p: Parameters) -> Relation:
    """Read the rule."""
    expect = p.text("expect", most=FORMULA_CHARS)
    with within("expect"):
        formula = parse_formula(expect, scope.columns)
    return Relation(f"relation:{scope.property}", p.action, p.severity, expect, formula.columns, formula)
