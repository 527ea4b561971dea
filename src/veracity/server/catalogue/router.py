"""All routes of the catalogue. Those with a fixed word in their address come before those that take any."""

from fastapi import APIRouter

from veracity.server.catalogue import catalogue_routes, panel_routes, version_routes

ROUTER = APIRouter()
ROUTER.include_router(panel_routes.ROUTER)
ROUTER.include_router(catalogue_routes.ROUTER)
ROUTER.include_router(version_routes.ROUTER)
