"""Words in the languages of OData that JSON Schema cannot describe, for who asks by OpenAPI alone."""

import schemathesis
from hypothesis import strategies as st

#: by the ``format`` of a parameter; they fit every entity set
WORDS = {
    "odata-filter": ["id ne null", "not (id eq 'a') and 1 lt 2", "length(id) gt 3", "startswith(id,'rain')"],
    "odata-orderby": ["id", "id desc", "length(id) asc,id"],
    "odata-select": ["id", ""],
    "odata-expand": [""],
}


def register() -> None:
    """Make them known to schemathesis."""
    for name, words in WORDS.items():
        schemathesis.openapi.format(name, st.sampled_from(words))
