"""Errors of city applications: those that are not there, or not of the one shape."""

from veracity.errors import Malformed, VeracityError


class AppsError(VeracityError):
    """Root of the errors of ``apps``."""

    code = "apps-error"


class UnknownApp(AppsError, Malformed):
    """No app has this name."""

    code = "unknown-app"


class BrokenApp(AppsError, Malformed):
    """An app's folder is there, and what it declares cannot be used."""

    code = "broken-app"


class MalformedRegions(AppsError, Malformed):
    """A file of regions is no GeoJSON of polygons with names."""

    code = "malformed-regions"
