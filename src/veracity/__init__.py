"""Verifiable data and AI for cities.

    city = veracity.open("my-city")
    receipt = city.receipt("air-quality", where="station = 'S1' and observed_at = '2026-09-01T08:00:00Z'")
    veracity.verify(receipt, "my-city/trust.policy")

What is named here is loaded when first used, so that ``import veracity`` stays quick.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from veracity.home.city import City
    from veracity.home.city import City as open  # noqa: A004, N813 - the word users expect
    from veracity.home.founding import init
    from veracity.verifying import verify

__version__ = "0.1.0"
__all__ = ["City", "__version__", "init", "open", "verify"]

_HOMES = {
    "City": ("veracity.home.city", "City"),
    "open": ("veracity.home.city", "City"),
    "init": ("veracity.home.founding", "init"),
    "verify": ("veracity.verifying", "verify"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'veracity' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)
