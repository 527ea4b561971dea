"""The three agencies of the twin, each the owner of one feed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Agency:
    """Who signs a feed. ``name`` is what the log enrols; ``title`` is for people."""

    name: str
    title: str
    feed: str


AGENCIES = (
    Agency("danang-environment", "Department of Environment, Da Nang (simulated)", "air-quality"),
    Agency("danang-hydromet", "Hydrometeorological Centre, Da Nang (simulated)", "hydrology"),
    Agency("danang-transport", "Department of Transport, Da Nang (simulated)", "traffic"),
)
