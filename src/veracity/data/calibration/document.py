"""The calibration as a document: canonical JSON, every measured number as decimal text, named by its SHA-256.

What is written is what is applied: a coefficient is the float that its text reads as, so that the
document alone gives each corrected value to the last bit.
"""

import hashlib
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, cast, get_args

from veracity.canonical import canonical_json
from veracity.data.calibration.definition import COVARIATES, Memory, Shape
from veracity.data.calibration.errors import MalformedCalibration
from veracity.data.calibration.model import Model, terms_of
from veracity.data.calibration.validation import MAX_ORIGINS, Score
from veracity.provenance.fields import Fields
from veracity.provenance.strictjson import parse_json

SCHEMA = "veracity.calibration/v1"
DOCUMENT_BYTES = 4_194_304

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FEED = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_COLUMN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,16})(\.[0-9]{1,20})?(e[+-][0-9]{2,3})?", re.ASCII)


@dataclass(frozen=True)
class Source:
    """A feed's table as it stood after batch ``up_to_batch``, with the digest of that snapshot (hex)."""

    feed: str
    up_to_batch: int
    sha256: str


@dataclass(frozen=True)
class Segment:
    """A model, and the end (microseconds since 1970) of the time it corrects: from when it was fitted."""

    model: Model
    until_us: int


@dataclass(frozen=True)
class Age:
    """The held-out error of fits up to an age: root mean square, in the output's unit."""

    until_us: int
    n_pairs: int
    rmse: str


@dataclass(frozen=True)
class Contender:
    """How one way to correct did on the blocks that nothing was chosen by."""

    name: str
    score: Score


@dataclass(frozen=True)
class Calibration:
    """A fitted correction. ``inputs`` and ``units`` begin with the sensor; the rest are covariates."""

    name: str
    definition_sha256: str
    feed: str
    reference_feed: str
    inputs: tuple[str, ...]
    units: tuple[str | None, ...]
    device: tuple[tuple[str, str], ...]
    reference: str
    reference_device: tuple[tuple[str, str], ...]
    output: str
    unit: str | None
    decimals: int
    sources: tuple[Source, ...]
    n_pairs: int
    pairs_sha256: str
    memory: Memory
    shape: Shape
    segments: tuple[Segment, ...]
    ages: tuple[Age, ...]
    contenders: tuple[Contender, ...]
    chosen: str
    reported_from_us: int
    engine: str

    @property
    def from_us(self) -> int:
        """Where it begins to correct (microseconds since 1970)."""
        return self.segments[0].model.fitted_us

    @property
    def until_us(self) -> int:
        """Where it ends."""
        return self.segments[-1].until_us

    @cached_property
    def text(self) -> bytes:
        """The document."""
        return canonical_json(_to_object(self))

    @cached_property
    def sha256(self) -> str:
        """Lowercase hex SHA-256 of the document: its name."""
        return hashlib.sha256(self.text).hexdigest()


def time_text(us: int) -> str:
    """Write microseconds since 1970 as RFC 3339 in UTC."""
    stamp = _EPOCH + timedelta(microseconds=us)
    return stamp.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_calibration(text: bytes) -> Calibration:
    """Read a document; ``MalformedCalibration`` unless ``Calibration.text`` would write the same bytes."""
    document = parse_json(text, "calibration", DOCUMENT_BYTES, MalformedCalibration)
    top = Fields(document, "calibration", MalformedCalibration)
    top.choice("schema", (SCHEMA,))
    sensor, reference, output = top.object("sensor"), top.object("reference"), top.object("output")
    inputs = tuple(f.matching("column", _COLUMN, "a column's name") for f in _again(sensor, "inputs"))
    memory = cast(Memory, top.choice("memory", get_args(Memory)))
    shape = cast(Shape, top.choice("shape", get_args(Shape)))
    terms = terms_of(memory, shape, inputs[1:])
    found = Calibration(
        name=top.matching("name", _FEED, "a name ([a-z0-9-], at most 64)"),
        definition_sha256=top.sha256("definition"),
        feed=sensor.matching("feed", _FEED, "a feed's name"),
        reference_feed=reference.matching("feed", _FEED, "a feed's name"),
        inputs=inputs,
        units=tuple(_unit(f) for f in _again(sensor, "inputs")),
        device=_device(sensor),
        reference=reference.matching("column", _COLUMN, "a column's name"),
        reference_device=_device(reference),
        output=output.matching("column", _COLUMN, "a column's name"),
        unit=_unit(output),
        decimals=output.count("decimals"),
        sources=tuple(_source(f) for f in top.objects("sources", 2)),
        n_pairs=top.object("pairs").count("rows", 1),
        pairs_sha256=top.object("pairs").sha256("sha256"),
        memory=memory,
        shape=shape,
        segments=tuple(_segment(f, inputs, terms) for f in top.objects("segments", MAX_ORIGINS + 1)),
        ages=tuple(_age(f) for f in top.objects("uncertainty", MAX_ORIGINS)),
        contenders=tuple(_contender(f) for f in top.object("held_out").objects("scores", 64)),
        chosen=top.object("held_out").text("chosen", 64),
        reported_from_us=_time(top.object("held_out"), "from"),
        engine=top.text("engine", 64),
    )
    ends = [b for s in found.segments for b in (s.model.fitted_us, s.until_us)]
    if not inputs or not found.segments or not found.ages or ends != sorted(ends) or found.text != text:
        raise MalformedCalibration(
            "calibration: want the canonical form of one, segments in order, got another"
        )
    return found


def _to_object(c: Calibration) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "name": c.name,
        "definition": c.definition_sha256,
        "engine": c.engine,
        "sensor": {
            "feed": c.feed,
            "device": dict(c.device),
            "inputs": [{"column": n, "unit": u} for n, u in zip(c.inputs, c.units, strict=True)],
        },
        "reference": {
            "feed": c.reference_feed,
            "device": dict(c.reference_device),
            "column": c.reference,
        },
        "output": {"column": c.output, "unit": c.unit, "decimals": c.decimals},
        "sources": [asdict(s) for s in c.sources],
        "pairs": {"rows": c.n_pairs, "sha256": c.pairs_sha256},
        "memory": c.memory,
        "shape": c.shape,
        "valid": {"from": time_text(c.from_us), "until": time_text(c.until_us)},
        "segments": [_segment_object(s, c.inputs) for s in c.segments],
        "uncertainty": [
            {"up_to_age_s": a.until_us // 1_000_000, "pairs": a.n_pairs, "rmse": a.rmse} for a in c.ages
        ],
        "held_out": {
            "from": time_text(c.reported_from_us),
            "chosen": c.chosen,
            "scores": [{"name": x.name, **asdict(x.score)} for x in c.contenders],
        },
    }


def _segment_object(segment: Segment, inputs: tuple[str, ...]) -> dict[str, Any]:
    m = segment.model
    return {
        "from": time_text(m.fitted_us),
        "until": time_text(segment.until_us),
        "fitted_on": {"first": time_text(m.first_us), "last": time_text(m.last_us), "pairs": m.n_pairs},
        "inputs": [
            {"column": n, "centre": c, "lowest": low, "highest": high}
            for n, c, low, high in zip(inputs, m.centres, m.lowest, m.highest, strict=True)
        ],
        "terms": [{"term": t, "coefficient": c} for t, c in m.coefficients],
        "spread": m.spread,
    }


def _segment(fields: Fields, inputs: tuple[str, ...], terms: tuple[str, ...]) -> Segment:
    fitted_on = fields.object("fitted_on")
    named = fields.objects("inputs", 1 + COVARIATES)
    said = fields.objects("terms", 16)
    if (
        tuple(f.text("column", 63) for f in named) != inputs
        or tuple(f.text("term", 80) for f in said) != terms
    ):
        raise MalformedCalibration("calibration.segments: want the inputs and the terms of memory and shape")
    model = Model(
        fitted_us=_time(fields, "from"),
        first_us=_time(fitted_on, "first"),
        last_us=_time(fitted_on, "last"),
        n_pairs=fitted_on.count("pairs", 1),
        centres=tuple(_number(f, "centre") for f in named),
        lowest=tuple(_number(f, "lowest") for f in named),
        highest=tuple(_number(f, "highest") for f in named),
        coefficients=tuple((t, _number(f, "coefficient")) for t, f in zip(terms, said, strict=True)),
        spread=_number(fields, "spread"),
    )
    return Segment(model, _time(fields, "until"))


def _again(fields: Fields, name: str) -> list[Fields]:
    return fields.objects(name, 1 + COVARIATES)


def _unit(fields: Fields) -> str | None:
    return fields.optional("unit", lambda name: fields.text(name, 64))


def _device(fields: Fields) -> tuple[tuple[str, str], ...]:
    value = fields.take("device")
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise fields.fail("device", "key columns and their values", value)
    return tuple(sorted(value.items()))


def _source(fields: Fields) -> Source:
    return Source(
        fields.matching("feed", _FEED, "a feed's name"), fields.count("up_to_batch"), fields.sha256("sha256")
    )


def _age(fields: Fields) -> Age:
    return Age(fields.count("up_to_age_s", 1) * 1_000_000, fields.count("pairs", 1), _number(fields, "rmse"))


def _contender(fields: Fields) -> Contender:
    r2 = fields.text("r2", 32, empty=True)
    mae, rmse, bias = (_number(fields, name) for name in ("mae", "rmse", "bias"))
    return Contender(fields.text("name", 64), Score(fields.count("pairs", 1), mae, rmse, r2, bias))


def _number(fields: Fields, name: str) -> str:
    return fields.matching(name, _NUMBER, "a decimal number as text")


def _time(fields: Fields, name: str) -> int:
    stamp = datetime.fromisoformat(fields.time(name))
    return (stamp - _EPOCH) // timedelta(microseconds=1)
