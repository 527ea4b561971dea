"""What the interface's OpenAPI says is what it does: schemathesis asks, and finds nothing."""

from collections.abc import Iterator
from typing import Any
from unittest import SkipTest

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation, BaseSchema

import odata_words
from things_city import served_city, things_city

EXAMPLES = 2
odata_words.register()


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BaseSchema]:
    """The schema of a served city, of this interface's routes alone."""
    root = things_city(tmp_path_factory.mktemp("things") / "city", 40)
    with served_city(root) as client:
        whole = schemathesis.openapi.from_url(f"{client.base}/openapi.json")
        yield whole.include(path_regex=r"^/v(1\.1|2\.0)")


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_the_description_is_true(described: BaseSchema, mode: GenerationMode) -> None:
    """Statuses, media types, bodies; nothing breaks the server; what is no parameter is refused."""
    n_asked = 0
    for found in described.get_all_operations():
        assert isinstance(found, Ok)
        n_asked += ask(found.ok(), mode)
    assert n_asked > 60


def ask(operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode) -> int:
    """Ask a route a few times."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # to make a failure small takes minutes
        suppress_health_check=list(HealthCheck),
    )
    def check(case: Case[Any]) -> None:
        case.call_and_validate()

    try:
        check()
    except (Unsatisfiable, SkipTest):  # a route without parameters cannot be asked wrongly
        return 1
    return 1
