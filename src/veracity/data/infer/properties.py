"""From findings to the properties of a contract, each with its reasons."""

from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from veracity.data.contract_rules import RULES
from veracity.data.infer import sensor_rules
from veracity.data.infer.choices import choices
from veracity.data.infer.findings import CARRIED, Findings
from veracity.data.infer.kinds import fullest, is_code, is_measurement, may_be_index, number_type
from veracity.data.infer.names import field_name, words
from veracity.data.infer.proposal import Property
from veracity.data.infer.quantities import POLLUTANTS, quantity_of
from veracity.data.infer.ranges import plausible, sentinels
from veracity.data.infer.readings import Column
from veracity.data.infer.times import Times
from veracity.data.infer.units_guess import UnitGuess, guess_unit
from veracity.data.infer.wide import Template
from veracity.units import conversion

_OF_THE_FEED = 8  # rules of the schema object: room is left for them


@dataclass(frozen=True)
class _Measured:
    """Numbers of one property, without sentinels, in the table's unit."""

    guess: UnitGuess
    codes: dict[float, str]
    numbers: pl.Series


class Properties:
    """Makes the properties of one contract; names are given once, in order."""

    def __init__(self, found: Findings) -> None:
        self.found = found
        self.left_out: list[str] = []
        self.names: list[str] = []
        self.n_rules = 0
        self.others = frozenset(q.name for c in found.columns if (q := quantity_of(words(c.header))))
        self.fullest = fullest(found.columns)

    def all(self) -> list[Property]:
        """Return the properties: times, what wide columns carry, the rest as in the file."""
        found = self.found
        out = [*self._time_properties(), *self._carried(), *map(self._template, found.templates)]
        members = {c.header for t in found.templates for c in t.columns}
        timed = {h for t in found.times.values() for h in t.headers}
        return out + [self._property(c) for c in found.columns if c.header not in members | timed]

    def _time_properties(self) -> list[Property]:
        out = []
        for times in self.found.times.values():
            if (
                times is not self.found.event
                and self.found.event is not None
                and _same(times, self.found.event)
            ):
                self.left_out.append(f"left out: {times.headers[0]!r} repeats the event time")
            else:
                out.append(self._time_property(times))
        return out

    def _time_property(self, times: Times) -> Property:
        is_event = times is self.found.event
        name = (
            "observed_at"
            if is_event and self.found.has_key_time
            else field_name(times.headers[0], self.names)
        )
        self.names.append(name)
        kind = "date" if times.is_date and not is_event else "timestamp"
        source = (
            {"transformSourceObjects": list(times.headers)}
            if len(times.headers) > 1
            else _physical(name, times.headers[0])
        )
        elements: dict[str, Any] = {**source, "logicalType": kind}
        if is_event and self.found.has_key_time:
            n_sensors = 1 if self.found.templates else len(self.found.key.sensors) if self.found.key else 0
            elements |= {"primaryKey": True, "primaryKeyPosition": n_sensors + 1}
        options: dict[str, Any] = {}
        notes = [f"{' + '.join(times.headers)}: times: " + "; ".join(times.why)]
        if kind == "timestamp" and not times.is_zoned:
            options["defaultTimezone"] = self.found.zone
            notes.append(self.found.why_zone)
        if times.shapes:
            options["format"] = times.shapes[0]
        custom = {"formats": list(times.shapes[1:])} if times.shapes[1:] else {}
        elements |= {"logicalTypeOptions": options} if options else {}
        return Property(name, elements, custom, why=tuple(notes))

    def _carried(self) -> list[Property]:
        if not self.found.templates:
            return []
        patterns = sorted({t.pattern for t in self.found.templates})
        pattern = patterns[0] if len(patterns) == 1 else "|".join(f"({p})" for p in patterns)
        self.names.append(CARRIED)
        elements = {
            "logicalType": "string",
            "primaryKey": True,
            "primaryKeyPosition": 1,
            "logicalTypeOptions": {"pattern": pattern},
        }
        why = "the sensor (likely): carried by the names of columns, which differ in a number only"
        return [Property(CARRIED, elements, why=(why,))]

    def _template(self, template: Template) -> Property:
        numbers = pl.concat([c.numbers.rename("v") for c in template.columns if c.numbers is not None])
        hint = "" if quantity_of(words(template.prefix)) else self.found.feed
        named = quantity_of(words(hint)) if hint else None
        name = field_name(words(named.name) if named else template.prefix.strip("_-.") or "value", self.names)
        self.names.append(name)
        header = template.prefix.strip("_-.") or name
        first = template.columns[0]
        measured = self._measure(header, numbers, hint)
        steps = _concat_steps([c.numbers for c in template.columns if c.numbers is not None])
        column = replace(first, header=header, type="number", numbers=numbers, why=())
        base = [f"{template.physical!r} (likely): {template.why}"]
        return self._number(
            name, column, {"physicalName": template.physical}, measured, steps, base, len(template.columns)
        )

    def _property(self, column: Column) -> Property:
        name = field_name(column.header, self.names)
        self.names.append(name)
        base = []
        if column.text.n_unique() == 1 and column.text.len() > 1:
            base.append(f"constant in the records looked at: {column.text[0]!r:.60}")
        source = _physical(name, column.header)
        if column.numbers is not None and not column.is_name:
            measured = self._measure(column.header, column.numbers, "")
            steps = (
                self.found.steps(measured.numbers)
                if measured.numbers.len() == self.found.sample.frame.height
                else None
            )
            return self._number(name, column, source, measured, steps, base, self.found.n_sensors)
        elements: dict[str, Any] = {**source, "logicalType": column.type}
        position = self.found.key_position(column.header)
        notes = [*base, *column.why, *column.why_missing]
        if position is not None:
            elements |= {"primaryKey": True, "primaryKeyPosition": position}
            n = column.text.n_unique()
            notes.append(
                f"names the sensor (likely): {n:,} different, e.g. {column.text.drop_nulls()[0]!r:.40}"
            )
        listed = (
            choices(column, is_whole=self.found.sample.is_whole) if position is None and not base else None
        )
        if listed is not None:
            notes.append(listed.why)
        return Property(
            name,
            elements,
            _missing_custom(column.missing, {}),
            values=listed.values if listed else None,
            why=tuple(f"{column.header}: {n}" if i == 0 else n for i, n in enumerate(notes or [column.type])),
        )

    def _measure(self, header: str, numbers: pl.Series, hint: str) -> _Measured:
        codes = sentinels(numbers)
        clean = (
            pl.select(pl.when(~numbers.is_in(list(codes))).then(numbers)).to_series() if codes else numbers
        )
        guess = guess_unit(header, clean, self.others, hint, is_index=bool(self.found.is_index))
        if guess.source_unit is not None and guess.unit is not None:
            scale, offset = conversion(guess.source_unit, guess.unit)
            clean = clean * scale + offset
        return _Measured(guess, codes, clean)

    def _number(
        self,
        name: str,
        column: Column,
        source: dict[str, Any],
        measured: _Measured,
        steps: pl.Series | None,
        base: list[str],
        n_sensors: int,
    ) -> Property:
        guess = measured.guess
        listed = (
            choices(column, is_whole=self.found.sample.is_whole)
            if guess.quantity is None and not base
            else None
        )
        kind = number_type(column, guess)
        notes = [*base, *column.why, *column.why_missing, *([guess.why] if guess.why else [])]
        notes += [f"sentinel (likely): {why}" for why in measured.codes.values()]
        if (
            self.found.is_index
            and guess.unit == "{AQI}"
            and guess.quantity
            and guess.quantity.name in POLLUTANTS
        ):
            notes.append(self.found.is_index)
        elif may_be_index(guess, column):
            notes.append("CHECK: whole numbers from 0 to 500 only, perhaps points of an index and no ug/m3")
        options: dict[str, float] = {}
        if listed is not None:
            notes.append(listed.why)
        elif not is_code(column, guess):
            why = guess.quantity.why if guess.quantity is not None else ""
            why = "the index's scale ends at 500" if guess.unit == "{AQI}" else why
            bounds = plausible(measured.numbers, guess.low, guess.high, why)
            options = {k: v for k, v in (("minimum", bounds.low), ("maximum", bounds.high)) if v is not None}
            notes += bounds.why
        rules: list[dict[str, Any]] = []
        if (
            self.found.has_key_time
            and listed is None
            and not is_code(column, guess)
            and is_measurement(guess, column)
        ):
            rules, why_rules = sensor_rules.of_property(
                guess.quantity,
                kind,
                steps,
                self.found.interval,
                self._position_settings(),
                n_sensors,
                speaks=column.header == self.fullest or bool(self.found.templates),
            )
            if self.n_rules + len(rules) > RULES - _OF_THE_FEED:
                rules, why_rules = [], [f"no sensor rules: a contract has at most {RULES}"]
            self.n_rules += len(rules)
            notes += why_rules
        position = self.found.key_position(column.header)
        elements: dict[str, Any] = {**source, "logicalType": kind}
        if position is not None:
            elements |= {"primaryKey": True, "primaryKeyPosition": position}
        elements |= {"logicalTypeOptions": options} if options else {}
        custom: dict[str, Any] = {}
        if guess.unit is not None:
            custom["unit"] = guess.unit
        if guess.source_unit is not None:
            custom["sourceUnit"] = guess.source_unit
        if column.decimal != ".":
            custom["decimal"] = column.decimal
        custom |= _missing_custom(column.missing, measured.codes)
        why_lines = tuple(f"{column.header}: {n}" if i == 0 else n for i, n in enumerate(notes or [kind]))
        return Property(name, elements, custom, tuple(rules), listed.values if listed else None, why_lines)

    def _position_settings(self) -> dict[str, str] | None:
        if self.found.positions is None:
            return None
        columns = {"latitude": self.found.positions[0], "longitude": self.found.positions[1]}
        settings = {name: field_name(c.header) for name, c in columns.items()}
        return {name: given for name, given in settings.items() if given != name}


def _same(a: Times, b: Times) -> bool:
    equal = (a.stamps == b.stamps).drop_nulls()
    return equal.len() > 0.9 * a.stamps.len() and float(equal.mean() or 0) > 0.99  # type: ignore[arg-type]  # a share


def _physical(name: str, header: str) -> dict[str, str]:
    return {} if name == header else {"physicalName": header}


def _concat_steps(series: list[pl.Series]) -> pl.Series:
    return pl.concat([s.drop_nulls().diff().abs().drop_nulls().rename("v") for s in series])


def _missing_custom(tokens: dict[str, int], codes: dict[float, str]) -> dict[str, Any]:
    listed = [*sorted(tokens), *(f"{code:.15g}" for code in codes)]
    return {"missing": listed} if listed else {}
