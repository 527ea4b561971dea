"""What answers requirements: one small function an answer, found by its name in the lists of requirements."""

from collections.abc import Mapping

from veracity.models.dossier.answer import Answer, Condition
from veracity.models.dossier.answers import conditions, data, service, system, testing

ANSWERS: Mapping[str, tuple[Answer, str]] = {
    **system.ANSWERS,
    **data.ANSWERS,
    **testing.ANSWERS,
    **service.ANSWERS,
}  #: by name: the function, and what would put its facts into the log
CONDITIONS: Mapping[str, Condition] = conditions.CONDITIONS
