"""All routes of the read view."""

from fastapi import APIRouter

from veracity.server.ngsi_ld import routes, temporal_routes

ROUTER = APIRouter()
ROUTER.include_router(routes.ROUTER)
ROUTER.include_router(temporal_routes.ROUTER)
