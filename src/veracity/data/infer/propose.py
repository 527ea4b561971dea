"""From a sample to a proposed contract."""

from collections import Counter
from dataclasses import replace
from typing import Any

from veracity.data.contract_field import FIELDS
from veracity.data.errors import WrongFile
from veracity.data.infer import sensor_rules
from veracity.data.infer.findings import Findings, is_value
from veracity.data.infer.keys import duration
from veracity.data.infer.names import words
from veracity.data.infer.properties import Properties
from veracity.data.infer.proposal import Property, Proposal
from veracity.data.infer.sample import Sample
from veracity.data.infer.write import write


def infer_contract(sample: Sample, feed: str | None = None, zone: str | None = None) -> bytes:
    """Propose a contract for files like the sample's: ODCS YAML with a comment for each guess.

    Parameters
    ----------
    sample
        What was read of the files.
    feed
        The feed's name; made from the first file's name if None.
    zone
        The zone of times that give no offset; guessed if None.

    Raises
    ------
    WrongFile
        If a CSV file has no header, or no column of which anything can be said.
    """
    return write(_proposal(Findings(sample, feed, zone)))


def _proposal(found: Findings) -> Proposal:
    """Put the guesses together."""
    made = Properties(found)
    properties = made.all()
    left_out = [*found.left_out, *made.left_out]
    if not properties:
        raise WrongFile(f"{found.sample.files[0]}: want a column that holds a value, got none")
    if len(properties) > FIELDS:
        left_out.append(
            f"left out: {len(properties) - FIELDS:,} more columns; a contract has at most {FIELDS:,}"
        )
        properties = properties[:FIELDS]
    shared, why_missing, properties = _shared_missing(properties)
    n_copies = found.key.n_copies if found.key else 0
    has_time = found.has_key_time
    rules, why_rules = sensor_rules.of_feed(found.interval, n_copies, has_time=has_time)
    every = found.interval.every_s
    why_sla = [found.interval.why] if found.event is not None else []
    return Proposal(
        feed=found.feed,
        title=words(found.feed).replace("_", " ") or found.feed,
        head=_head(found),
        server=_server(found),
        server_custom=_server_custom(found),
        why_server=found.sample.why_format,
        properties=tuple(properties),
        why_key=_why_key(found),
        left_out=tuple(left_out),
        missing=shared,
        why_missing=why_missing,
        rules=tuple(rules),
        why_rules=tuple(why_rules),
        frequency=None if every is None else duration(every),
        why_sla=(
            *why_sla,
            "no latency guessed: files do not say how late readings arrive; a live feed wants one",
        ),
    )


def _head(found: Findings) -> tuple[str, ...]:
    n = found.sample.frame.height
    what = "all of them" if found.sample.is_whole else "a part of them: what is rare may be missing here"
    files = ", ".join(found.sample.files[:5]) + (" and more" if len(found.sample.files) > 5 else "")
    return (
        f"Proposed by `veracity feed infer` from {files}: {n:,} records, {what}.",
        "Each setting is a guess. Its comment says why, and how sure: sure, likely or a guess.",
        "Lines with CHECK want a person who knows the sensors.",
        "Try it on your files with `veracity feed check` before you add it.",
    )


def _server(found: Findings) -> dict[str, Any]:
    server: dict[str, Any] = {"server": "file", "type": "local", "format": found.sample.kind}
    if found.sample.format is not None:
        if found.sample.format.kind == "csv" and found.sample.format.separator != ",":
            server["delimiter"] = found.sample.format.separator
        if found.sample.format.encoding != "utf-8":
            server["encoding"] = found.sample.format.encoding
    return server


def _server_custom(found: Findings) -> dict[str, Any]:
    fmt = found.sample.format
    if fmt is None or fmt.fallback_encoding in (None, "windows-1252"):
        return {}
    return {"fallbackEncoding": fmt.fallback_encoding}


def _why_key(found: Findings) -> tuple[str, ...]:
    if found.templates:
        return ("key 'station' and the event time (likely): a wide file, one row for each sensor and time",)
    if found.key is not None:
        return found.key.why
    return (
        "CHECK: no key proposed: no few columns, with or without a time, are unique. Sensor rules need one.",
    )


def _shared_missing(properties: list[Property]) -> tuple[tuple[str, ...], tuple[str, ...], list[Property]]:
    """Say once, for the whole table, what several columns use for "no value"."""
    counted = Counter(t for p in properties for t in p.custom.get("missing", []))
    texts = sorted(t for t, n in counted.items() if n >= 2 or t.upper() == "NA")
    numeric = [p for p in properties if p.elements["logicalType"] in ("number", "integer")]
    shared = [t for t in texts if not is_value(t) or counted[t] > len(numeric) / 2]
    if not shared:
        shared = ["NA"] if any("missing" in p.custom for p in properties) else []
    every = ("", *shared) if shared else ()
    out = []
    for p in properties:
        own = [t for t in p.custom.get("missing", []) if t not in shared]
        rest = {k: v for k, v in p.custom.items() if k != "missing"}
        out.append(replace(p, custom=rest | ({"missing": [*every, *own]} if own else {})))
    n = {t: counted[t] for t in shared}
    why = (
        "stands for no value (likely): " + ", ".join(f"{t!r} in {k} columns" for t, k in n.items())
        if any(n.values())
        else ""
    )
    return every, (why,) if why else (), out
