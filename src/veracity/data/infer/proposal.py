"""A proposed contract: its elements, each with the reasons for it."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Property:
    """One column of the proposed table.

    Attributes
    ----------
    elements
        ODCS elements after ``name``, in order: physicalName, logicalType, logicalTypeOptions, ...
    custom
        ``customProperties``, by name.
    rules
        Implementations of custom quality rules.
    values
        Allowed values, if they are listed.
    why
        One comment line each.
    """

    name: str
    elements: dict[str, Any]
    custom: dict[str, Any] = field(default_factory=dict)
    rules: tuple[dict[str, Any], ...] = ()
    values: tuple[str, ...] | None = None
    why: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proposal:
    """The whole; ``left_out`` says of columns that no property names why."""

    feed: str
    title: str
    head: tuple[str, ...]
    server: dict[str, Any]
    server_custom: dict[str, Any]
    why_server: tuple[str, ...]
    properties: tuple[Property, ...]
    why_key: tuple[str, ...]
    left_out: tuple[str, ...]
    missing: tuple[str, ...]
    why_missing: tuple[str, ...]
    rules: tuple[dict[str, Any], ...]
    why_rules: tuple[str, ...]
    frequency: tuple[float, str] | None
    why_sla: tuple[str, ...]
