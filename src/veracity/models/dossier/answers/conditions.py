"""When a requirement is not asked of a system: each returns the reason, or None where it is asked."""

from collections.abc import Mapping

from veracity.models.app import Words
from veracity.models.dossier.answer import Condition, Point, say
from veracity.models.facts import Known


def high_risk(k: Known) -> Point | None:
    """Asked of high-risk systems."""
    level = k.app.risk[0]
    return None if level == "high" else say("na-risk-not-high", k.declared("risk"), level=RISK[level])


def high_or_medium_risk(k: Known) -> Point | None:
    """Asked of high- and medium-risk systems."""
    return say("na-risk-low", k.declared("risk")) if k.app.risk[0] == "low" else None


def medium_risk(k: Known) -> Point | None:
    """Asked of medium-risk systems."""
    level = k.app.risk[0]
    return None if level == "medium" else say("na-not-medium", k.declared("risk"), level=RISK[level])


def makes_media(k: Known) -> Point | None:
    """Asked of systems that generate sound, pictures or video; a forecaster of columns does not."""
    return say("na-no-media", k.declared("targets"))


def identifies_people(k: Known) -> Point | None:
    """Asked of biometric systems; where personal data go in, a person must say."""
    if k.uses_personal:
        return None
    return say("na-no-biometrics", k.declared("panel"))


def uses_personal(k: Known) -> Point | None:
    """Asked where personal data were used."""
    if k.uses_personal:
        return None
    return say("na-no-personal", k.train.at("train.personal"), idx=k.train.idx)


def part_of_product(k: Known) -> Point | None:
    """Asked of components of products."""
    return say("na-no-product", k.declared("purpose"))


def pretrained(k: Known) -> Point | None:
    """Asked where models of others were built on: an ONNX file may be; all else is fitted here."""
    if k.may_be_pretrained:
        return None
    return say("na-no-pretrained", k.train.at("train.model"))


def human_subjects(k: Known) -> Point | None:
    """Asked where people were experimented on."""
    return say("na-no-subjects", k.train.at("train.inputs"))


def goes_on_learning(k: Known) -> Point | None:
    """Asked of systems that change by themselves in service, be it by calibration alone."""
    if k.adapting:
        return None
    return say("na-learns-not", k.train.at("train.model"))


RISK: Mapping[str, Words] = {
    "low": {"en": "low", "vi": "thấp"},
    "medium": {"en": "medium", "vi": "trung bình"},
    "high": {"en": "high", "vi": "cao"},
}
CONDITIONS: Mapping[str, Condition] = {
    f.__name__: f
    for f in (
        high_risk,
        high_or_medium_risk,
        medium_risk,
        makes_media,
        identifies_people,
        uses_personal,
        part_of_product,
        pretrained,
        human_subjects,
        goes_on_learning,
    )
}
