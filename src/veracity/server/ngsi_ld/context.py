"""The ``@context`` of our entities: the short names of all views, over the core's. Pure."""

from collections.abc import Iterable
from typing import Any

from veracity.server.ngsi_ld.data_models import DEFAULT
from veracity.server.ngsi_ld.views import MARKS, View

CORE = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.8.jsonld"
PATH = "/ngsi-ld/v1/jsonldContexts/veracity"
RELATION = "http://www.w3.org/ns/json-ld#context"
JSONLD = "application/ld+json"


def context_document(views: Iterable[View]) -> dict[str, Any]:
    """Return the context document. Where two models give one name, the first view's holds."""
    terms: dict[str, str] = {name: DEFAULT + name for name in MARKS}
    for view in views:
        terms.setdefault(view.type, view.model.type_iri)
        for name in view.attribute_names:
            if name != "location":  # the core's own
                terms.setdefault(name, view.model.iri(name))
    return {"@context": [terms, CORE]}


def link_header(url: str) -> str:
    """Return the header that names the context of an answer in plain JSON."""
    return f'<{url}{PATH}>; rel="{RELATION}"; type="{JSONLD}"'


def with_context(document: Any, url: str) -> Any:
    """Return entities with their context in them: of a list, in each."""
    if isinstance(document, list):
        return [with_context(one, url) for one in document]
    return {**document, "@context": [url + PATH, CORE]}
