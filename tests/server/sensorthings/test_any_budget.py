"""``any`` within ``any`` multiplies: a request is refused before it looks at more than its budget."""

from time import perf_counter

import pytest

from veracity.server.sensorthings.budget import MAX_LOOKS, Budget
from veracity.server.sensorthings.entities import Entity
from veracity.server.sensorthings.errors import TooMuchAsked
from veracity.server.sensorthings.evaluate import evaluate, is_true
from veracity.server.sensorthings.filter import parse_filter
from veracity.server.sensorthings.schema import V1

N = 40


def linked_entities() -> list[Entity]:
    """Return entities each of which leads to all of them, by ``others``."""
    made = [Entity(V1, "Things", str(n), {"name": f"thing {n}"}) for n in range(N)]
    for one in made:
        one.links["others"] = made
    return made


def nested(depth: int) -> str:
    """Return a condition that no entity fulfils, ``depth`` times within ``any``."""
    text = f"x{depth}/name eq 'none'"
    for level in range(depth, 0, -1):
        path = "others" if level == 1 else f"x{level - 1}/others"
        text = f"{path}/any(x{level}: {text})"
    return text


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_what_fits_is_answered(depth: int) -> None:
    """Up to the budget it is what it was."""
    first = linked_entities()[0]
    assert evaluate(parse_filter(nested(depth)), first) is False
    assert evaluate(parse_filter("others/any(x: x/others/any(y: y/name eq 'thing 7'))"), first) is True


@pytest.mark.parametrize("depth", [4, 12])
def test_what_multiplies_is_refused_in_time(depth: int) -> None:
    """However deep: after as many looks as there may be, whichever the entity."""
    began = perf_counter()
    with pytest.raises(TooMuchAsked):
        evaluate(parse_filter(nested(depth)), linked_entities()[0])
    assert perf_counter() - began < 30


def test_the_budget_is_of_all_entities_of_a_request() -> None:
    """What fits for one does not for many."""
    budget, condition = Budget(3 * N), parse_filter(nested(1))
    first, second, *_ = linked_entities()
    assert is_true(condition, first, budget) is False
    with pytest.raises(TooMuchAsked):
        is_true(condition, second, budget)
    assert MAX_LOOKS > 100 * N


def test_a_path_over_many_leads_to_each_once() -> None:
    """Eight steps over all entities are no list of N to the eighth."""
    assert len(linked_entities()[0].related(("others",) * 8)) == N
