"""The browser, and the cities that it looks at; their code is in ``portal_browser``."""

from portal_browser import axe, chromium, city, portal, tab

__all__ = ["axe", "chromium", "city", "portal", "tab"]
