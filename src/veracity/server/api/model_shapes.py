"""What is said of a model: how it was tested, who let it serve, what went wrong."""

from typing import Any, Literal

from veracity.server.api.shapes import Shape, Time


class Assurance(Shape):
    """A report of tests, in short."""

    entry: int
    report: str
    verdict: str
    passed: int
    failed: int
    untested: int
    assured_at: Time


class TestResult(Shape):
    """One test of a report: what it asks, and what came of it."""

    name: str
    family: str
    asks: str
    verdict: str
    reason: str
    required: list[str]


class FullAssurance(Assurance):
    """A report with its tests; none where it is not kept as it was signed."""

    policy: str
    tests: list[TestResult]


class ModelLine(Shape):
    """A model of the register. ``stage`` is null unless it serves now."""

    model: str
    name: str
    app: str | None
    stage: Literal["shadow", "advise", "act"] | None
    was_released: bool
    card: str | None
    assurance: Assurance | None
    released_by: str | None
    released_at: Time | None
    release: int | None
    trained_at: Time
    entry: int
    incidents: int
    open_incidents: int
    simulated: bool
    personal: bool


class Approval(Shape):
    """A change of what serves, and who let it be: an officer, or a rule that stops."""

    entry: int
    action: str
    stage: str
    at: Time
    by: str | None
    why: str | None
    rule: str | None


class OverrideShape(Shape):
    """A decision of the model that an officer replaced."""

    entry: int
    run: int
    record: int
    value: str
    by: str
    why: str
    at: Time


class IncidentShape(Shape):
    """Something that went wrong with the model's system."""

    name: str
    severity: str
    state: Literal["open", "closed"]
    opened_at: Time
    due: Time
    what: str
    last: str
    entries: list[int]


class Input(Shape):
    """A feed as it stood after a batch."""

    feed: str
    up_to_batch: int
    sha256: str


class ModelShape(ModelLine):
    """A model with all that the log says of it."""

    rows: int
    seed: int
    engine: str
    code: str
    definition: str
    as_of: Time | None
    inputs: list[Input]
    approvals: list[Approval]
    assurances: list[FullAssurance]
    overrides: list[OverrideShape]
    incident_list: list[IncidentShape]
    facts: dict[str, Any] | None
