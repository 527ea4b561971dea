"""Measured quality in W3C's Data Quality Vocabulary: https://www.w3.org/TR/vocab-dqv/. Pure."""

from veracity.server.catalogue.graph import Graph, Iri, Text, named, time_text
from veracity.server.catalogue.measured import HEALTH_IS, Measured

_METRICS = {
    "freshness": ("Freshness", "Age of the newest reading when measured, in seconds.", "xsd:decimal"),
    "completeness": (
        "Completeness",
        "Share of the readings due in the newest day, by the contract's frequency, that came.",
        "xsd:decimal",
    ),
    "validity": ("Validity", "Share of the records received that kept the contract's rules.", "xsd:decimal"),
    "sensor-health": ("Sensor health", HEALTH_IS, "xsd:decimal"),
    "flagged": ("Flagged", "Accepted rows that broke a rule which only flags.", "xsd:integer"),
}


def add_quality(graph: Graph, catalogue: str, dataset: Iri, measured: Measured) -> None:
    """Add what was measured of a data set; nothing of what could not be. ``catalogue`` is its IRI."""
    values = {
        "freshness": measured.age_s,
        "completeness": measured.completeness,
        "validity": measured.validity,
        "sensor-health": measured.health[0] if measured.health else None,
        "flagged": measured.flagged,
    }
    for name, value in values.items():
        if value is None:
            continue
        title, about, kind = _METRICS[name]
        node, metric = Iri(f"{dataset.value}#quality-{name}"), Iri(f"{catalogue}#metric-{name}")
        graph.say(dataset, dqv_hasQualityMeasurement=node)
        graph.say(
            node,
            "dqv:QualityMeasurement",
            dqv_computedOn=dataset,
            dqv_isMeasurementOf=metric,
            dqv_value=Text(f"{value:.6f}" if kind == "xsd:decimal" else str(value), kind),
            prov_generatedAtTime=time_text(measured.at),
        )
        graph.say(
            metric,
            "dqv:Metric",
            skos_prefLabel=Text(title, language="en"),
            skos_definition=Text(about, language="en"),
            dqv_expectedDataType=named(kind),
        )
