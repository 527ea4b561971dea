"""The routes of the API, one router a noun."""

from fastapi import APIRouter

from veracity.server.api import (
    app_layers,
    apps,
    city,
    deciding,
    decisions,
    events,
    feeds,
    ground,
    lineage,
    log,
    models,
    panel_values,
    panels,
    places,
    quality,
    quarantine,
    series,
)
from veracity.server.api import (
    receipts as of_receipts,
)


def router() -> APIRouter:
    """Return all routes below ``/api/v1``."""
    made = APIRouter(prefix="/api/v1")
    for one in (
        city,
        ground,
        feeds,
        places,
        series,
        quality,
        quarantine,
        deciding,
        panels,
        panel_values,
        apps,
        decisions,
        app_layers,
        models,
        log,
        events,
    ):
        made.include_router(one.ROUTER)
    made.include_router(lineage.ROUTER)
    return made


def receipts() -> APIRouter:
    """Return the routes of receipts, below ``/receipts``."""
    return of_receipts.ROUTER
