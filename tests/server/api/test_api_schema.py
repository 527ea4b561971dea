"""OpenAPI is complete and true: what a machine makes of it is answered as it says."""

import os
import re
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings

import odata_words
from api_city import app, made
from asked import ask
from released_city import SYSTEM

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis import GenerationMode
    from schemathesis.specs.openapi.checks import positive_data_acceptance

__all__ = ["app", "made"]

ENDLESS = "/api/v1/events"
odata_words.register()
KNOWN = {"feed": "rain", "app": SYSTEM, "model": "rain-hours", "entry": 9, "batch": 0, "record": 3}
KNOWN |= {
    "name": "rain-hourly", "version": 0, "suffix": "csv", "sha256": "0" * 64, "type": "WeatherObserved",
    "panel": "rain-hourly", "target": "rain", "attribute": "precipitation",
    "entity_id": "urn:ngsi-ld:WeatherObserved:rain:G01",
}  # fmt: skip
ASKED = {"key": "G01", "field": "rain", "target": "rain", "column": "rain"}


EXAMPLES = settings(
    max_examples=int(os.environ.get("VERACITY_EXAMPLES", "2")),  # `make schema` asks more
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)


def ask_as_told(operation: Any, mode: GenerationMode, change: Callable[[Any], None], checks: Any) -> None:
    """Ask one operation a few times. Text of a query language may fit its schema and be no sentence."""
    is_language = "x-query-language" in operation.definition.raw
    excluded = [positive_data_acceptance] if is_language else []

    @EXAMPLES
    @given(case=operation.as_strategy(generation_mode=mode))
    def asked(case: Any) -> None:
        change(case)
        case.call_and_validate(checks=checks, excluded_checks=excluded)

    asked()


def check_all(app: FastAPI, mode: GenerationMode, change: Callable[[Any], None], checks: Any = None) -> int:
    """Ask every operation of the description what a machine makes of it; return how many there are."""
    schema: Any = schemathesis.openapi.from_asgi("/openapi.json", app).exclude(path=ENDLESS)
    n, wrong = 0, []
    for found in schema.get_all_operations():
        operation = found.ok()
        if mode == GenerationMode.NEGATIVE and not list(operation.iter_parameters()):
            continue

        n += 1
        try:
            ask_as_told(operation, mode, change, checks)
        except Exception as exc:
            exc.add_note(operation.label)
            wrong.append(exc)
    if wrong:
        raise ExceptionGroup(f"{len(wrong)} of {n} operations", wrong)
    return n


def known(case: Any) -> None:
    """Ask for the feeds, apps and places that this city has."""
    for name in set(case.path_parameters or {}) & set(KNOWN):
        case.path_parameters[name] = KNOWN[name]
    for name in set(case.query or {}) & set(ASKED):
        case.query[name] = ASKED[name]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_whatever_is_asked_is_answered_as_said(app: FastAPI, mode: GenerationMode) -> None:
    """No error of ours, no status, type, header or body that the description does not have."""
    assert check_all(app, mode, lambda _case: None) >= 19


@pytest.mark.filterwarnings("ignore")
def test_what_is_there_is_answered_as_said(app: FastAPI) -> None:
    """The same of what this city has: bodies are of the shapes that the description tells."""
    assert check_all(app, GenerationMode.POSITIVE, known) > 20


def test_the_description_has_a_tag(app: FastAPI) -> None:
    """It is large: who has it is told so."""
    answer = ask(app, "GET", "/openapi.json")
    again = ask(app, "GET", "/openapi.json", headers={"If-None-Match": answer.headers["etag"]})
    assert (answer.status_code, again.status_code, again.content) == (200, 304, b"")


def paths(app: FastAPI) -> dict[str, set[str]]:
    """Every address of the description and its methods, with what this city has in the place of names."""
    have: dict[str, object] = {**KNOWN, "level": 0, "index": "000"}
    described = app.openapi()["paths"].items()
    return {
        re.sub(r"{([^}:]*)[^}]*}", lambda m: str(have.get(m[1], "x")), path): {m.upper() for m in operations}
        for path, operations in described
        if path != ENDLESS
    }


def test_every_read_has_a_tag_and_costs_little_again(app: FastAPI) -> None:
    """ETag and Cache-Control on each; who has it gets 304; HEAD is GET without its body."""
    n_tagged = 0
    for path, methods in paths(app).items():
        query = "?field=rain&column=rain&key=G00" if path.endswith(("/series", "/values")) else ""
        answer = ask(app, "GET", path + query)
        if answer.status_code == 307:
            continue
        if "GET" not in methods or answer.status_code != 200:
            assert answer.headers["content-type"] == "application/problem+json", path
            continue
        if not answer.headers["cache-control"].startswith("public"):
            continue  # somebody's own
        tag = answer.headers["etag"]
        again = ask(app, "GET", path + query, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b""), path
        head = ask(app, "HEAD", path + query)
        assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", tag), path
        n_tagged += 1
    assert n_tagged > 20


def test_other_methods_are_told_which_are_taken(app: FastAPI) -> None:
    """What a route does not take is 405, with what it does; of all but accounts that is reading."""
    for path, methods in paths(app).items():
        for method in {"POST", "PUT", "DELETE"} - methods:
            answer = ask(app, method, path)
            if answer.status_code == 404:
                continue  # no such path in this city
            assert answer.status_code == 405, (method, path)
            assert set(answer.headers["allow"].split(", ")) & methods, path
            assert answer.json()["code"] == "method-not-allowed"


def test_every_operation_tells_its_problems(app: FastAPI) -> None:
    """4XX and 5XX are problems of one shape, and nothing is said that no route answers."""
    for path, operations in app.openapi()["paths"].items():
        for operation in operations.values():
            for status in ("4XX", "5XX"):
                assert "application/problem+json" in operation["responses"][status]["content"], path
            assert operation["summary"], path
            assert operation["tags"], path
    assert "HTTPValidationError" not in app.openapi()["components"]["schemas"]
