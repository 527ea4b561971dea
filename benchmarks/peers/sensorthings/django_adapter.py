"""The backend of django-ogc-sensorthings with one thing mended: ``$orderby=phenomenonTime``.

Version 1.2.0 answers it with 500: it knows the column of that property in ``$filter``, not in ``$orderby``.
"""

from typing import Any

from django.db.models import F  # type: ignore[import-untyped]
from sensorthings.versions.v1_1.backends.django.adapter import (  # type: ignore[import-untyped]
    ODATA_FIELD_REMAP,
    DjangoBackendAdapter,
)


class Mended(DjangoBackendAdapter):  # type: ignore[misc]
    """It, with the same names of columns in both options."""

    @staticmethod
    def build_orderby_arg(orderby: Any = None) -> list[Any]:
        """Return expressions to order by: each path with its own columns, then as it was made."""
        made = DjangoBackendAdapter.build_orderby_arg(orderby)
        for expression in made:
            name = expression.get_source_expressions()[0].name
            expression.set_source_expressions([F(ODATA_FIELD_REMAP.get(name, name))])
        return made  # type: ignore[no-any-return]
