"""Which types and attributes there are (ETSI GS CIM 009, sections 5.7.5 to 5.7.10). Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from veracity.server.ngsi_ld.errors import NoSuchEntity
from veracity.server.ngsi_ld.views import View


def type_list(views: Sequence[View], *, details: bool) -> Any:
    """Return the types there are; with their attributes if asked."""
    by_type = _by_type(views)
    if not details:
        return {
            "id": "urn:ngsi-ld:EntityTypeList:veracity",
            "type": "EntityTypeList",
            "typeList": sorted(by_type),
        }
    return [
        {
            "id": found[0].model.type_iri,
            "type": "EntityType",
            "typeName": name,
            "attributeNames": _names(found),
        }
        for name, found in sorted(by_type.items())
    ]


def type_information(views: Sequence[View], name: str, counts: Mapping[str, int]) -> dict[str, Any]:
    """Return what is known of a type; ``counts``: entities by feed. ``NoSuchEntity`` if there is none."""
    found = [view for view in views if view.names_type(name)]
    if not found:
        raise NoSuchEntity(f"type: want one that there is, got {name[:100]!r}")
    return {
        "id": found[0].model.type_iri,
        "type": "EntityTypeInfo",
        "typeName": found[0].type,
        "entityCount": sum(counts[view.feed] for view in found),
        "attributeDetails": [
            {
                "id": _iri(found, attribute),
                "type": "Attribute",
                "attributeName": attribute,
                "attributeTypes": [_kind(attribute)],
            }
            for attribute in _names(found)
        ],
    }


def attribute_list(views: Sequence[View], *, details: bool) -> Any:
    """Return the attributes there are; with the types that have them if asked."""
    names = _names(views)
    if not details:
        return {
            "id": "urn:ngsi-ld:AttributeList:veracity",
            "type": "AttributeList",
            "attributeList": names,
        }
    return [
        {"id": _iri(views, n), "type": "Attribute", "attributeName": n, "typeNames": _types(views, n)}
        for n in names
    ]


def attribute_information(views: Sequence[View], name: str, counts: Mapping[str, int]) -> dict[str, Any]:
    """Return what is known of an attribute; ``NoSuchEntity`` if there is none."""
    found = [view for view in views if view.short(name) in view.attribute_names]
    if not found:
        raise NoSuchEntity(f"attribute: want one that there is, got {name[:100]!r}")
    short = found[0].short(name)
    return {
        "id": _iri(found, short),
        "type": "Attribute",
        "attributeName": short,
        "attributeCount": sum(counts[view.feed] for view in found),
        "attributeTypes": [_kind(short)],
        "typeNames": _types(found, short),
    }


def _by_type(views: Sequence[View]) -> dict[str, list[View]]:
    found: dict[str, list[View]] = {}
    for view in views:
        found.setdefault(view.type, []).append(view)
    return found


def _names(views: Sequence[View]) -> list[str]:
    return sorted({name for view in views for name in view.attribute_names})


def _types(views: Sequence[View], name: str) -> list[str]:
    return sorted({view.type for view in views if name in view.attribute_names})


def _iri(views: Sequence[View], name: str) -> str:
    return next(view.model.iri(name) for view in views if name in view.attribute_names)


def _kind(name: str) -> str:
    return "GeoProperty" if name == "location" else "Property"
