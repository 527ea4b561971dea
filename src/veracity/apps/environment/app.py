"""What the app environment declares of itself."""

from importlib.resources import files

from veracity.apps.environment.actions import EVENTS
from veracity.apps.environment.decide import decide
from veracity.apps.environment.ladder import HOUR_S, LADDER, TARGETS
from veracity.apps.environment.model import HORIZONS, train
from veracity.apps.environment.pages import pages
from veracity.apps.environment.seen import LOOK_BACK_H
from veracity.apps.environment.served import context
from veracity.apps.environment.words import AFFECTED, APPEAL, PURPOSE, RISK, TITLE
from veracity.apps.source import source_sha256
from veracity.models.app import App, StopRule
from veracity.models.places import parse_places

_FOLDER = files("veracity.apps.environment")

STOP_RULES = (
    StopRule("worse-than-yesterday", "mae", above=1.1, baseline="seasonal", days=7, n_least=2_000),
    StopRule("worse-than-usual", "mae", above=1.25, baseline="climatology", days=7, n_least=2_000),
    StopRule("too-sure", "coverage80", below=0.65, days=7, n_least=2_000),
    StopRule("cries-wolf", "far", above=0.8, days=14, n_least=200),
)

APP = App(
    name="environment",
    title=TITLE,
    purpose=PURPOSE,
    affected=AFFECTED,
    appeal=APPEAL,
    owner="danang-environment",
    contracts={"air-quality": (_FOLDER / "contracts" / "air-quality.yaml").read_bytes()},
    panel=(_FOLDER / "panel.yaml").read_bytes(),
    attributes=parse_places((_FOLDER / "places.csv").read_bytes()),
    targets=TARGETS,
    horizons=HORIZONS,
    train=train,
    decide=decide,
    ladder=LADDER,
    stage="advise",
    every_s=HOUR_S,
    stop_rules=STOP_RULES,
    look_back_s=LOOK_BACK_H * HOUR_S,
    events=EVENTS,
    risk=RISK,
    assurance=context(),
    code=lambda: source_sha256("veracity.apps.environment"),
    pages=pages,
)
