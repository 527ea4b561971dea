"""The catalogue as a graph of DCAT-AP 3.0 with measured quality in DQV. Pure: facts in, triples out.

DCAT-AP 3.0.0: https://semiceu.github.io/DCAT-AP/releases/3.0.0/; DQV: https://www.w3.org/TR/vocab-dqv/.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from veracity.server.catalogue.facts import Box, DatasetFacts
from veracity.server.catalogue.formats import FORMATS, Format
from veracity.server.catalogue.graph import Blank, Graph, Iri, Text, named, time_text
from veracity.server.catalogue.panel_versions import PanelVersion
from veracity.server.catalogue.quality_graph import add_quality
from veracity.server.catalogue.snapshots import Snapshot
from veracity.server.catalogue.spool import Made
from veracity.server.catalogue.words import AUTHORITY, duration, frequency, themes

_IANA = "https://www.iana.org/assignments/media-types/"
SERVICES = (
    ("sensorthings", "/v1.1", "OGC SensorThings API", "https://docs.ogc.org/is/18-088/18-088.html"),
    ("sensorthings-2", "/v2.0", "OGC SensorThings API 2.0", "https://docs.ogc.org/DRAFTS/23-019.html"),
    ("ngsi-ld", "/ngsi-ld/v1", "NGSI-LD API", "https://uri.etsi.org/ngsi-ld/"),
    ("log", "/log", "Transparency log", "https://c2sp.org/tlog-tiles"),
)


@dataclass(frozen=True)
class City:
    """The city whose catalogue it is. ``url`` is where it is found, without a slash at its end."""

    url: str
    origin: str
    is_open: bool = True

    @property
    def catalogue(self) -> str:
        """The catalogue's IRI."""
        return f"{self.url}/catalogue"


def catalogue_graph(city: City, feeds: Sequence[DatasetFacts], panels: Sequence[PanelVersion]) -> Graph:
    """Return the whole catalogue: every feed and panel that is shown, and the services they are read by."""
    graph = Graph()
    root = Iri(city.catalogue)
    is_simulated = any(f.simulated for f in feeds)
    mark = " Some of its data is simulated, and says so." if is_simulated else ""
    datasets = [Iri(f"{city.catalogue}/{f.contract.feed}") for f in feeds]
    graph.say(
        root,
        "dcat:Catalog",
        dct_title=Text(f"Open data of {city.origin}", language="en"),
        dct_description=Text(
            f"Data of {city.origin}: every row can be checked back to what was received.{mark}", language="en"
        ),
        dct_publisher=_city_agent(graph, city),
        foaf_homepage=Iri(f"{city.url}/"),
        dct_modified=time_text(max((f.snapshot.received_at for f in feeds if f.snapshot), default=None)),
        dct_issued=time_text(min((f.issued for f in feeds if f.issued), default=None)),
        dcat_dataset=[*datasets, *(Iri(_panel_url(city, p)) for p in panels)],
        dcat_service=[Iri(f"{city.catalogue}#{name}") for name, *_ in SERVICES],
        dcat_themeTaxonomy=Iri(f"{AUTHORITY}data-theme"),
    )
    graph.say(Iri(f"{city.url}/"), "foaf:Document")
    for facts in feeds:
        add_dataset(graph, city, facts)
    for panel in panels:
        _add_panel(graph, city, panel)
    for name, path, title, standard in SERVICES:
        service = Iri(f"{city.catalogue}#{name}")
        graph.say(
            service,
            "dcat:DataService",
            dct_title=Text(f"{title} of {city.origin}", language="en"),
            dcat_endpointURL=Iri(city.url + path),
            dcat_endpointDescription=Iri(f"{city.url}/openapi.json"),
            dct_conformsTo=Iri(standard),
            dcat_servesDataset=datasets,
            dct_accessRights=_access(city),
            dct_publisher=_city_agent(graph, city),
        )
        graph.say(Iri(standard), "dct:Standard")
    graph.say(_access(city), "dct:RightsStatement")
    return graph


def dataset_graph(city: City, facts: DatasetFacts) -> Graph:
    """Return what the catalogue says of one feed."""
    graph = Graph()
    add_dataset(graph, city, facts)
    graph.say(_access(city), "dct:RightsStatement")
    return graph


def add_dataset(graph: Graph, city: City, facts: DatasetFacts) -> None:
    """Add a feed: the data set, its files, its newest version, its measured quality."""
    contract, said, snap = facts.contract, facts.about, facts.snapshot
    dataset = Iri(f"{city.catalogue}/{contract.feed}")
    words = [contract.feed, *contract.tags, *(f.name for f in contract.fields)]
    standard = Iri(f"{dataset.value}/contract/{contract.sha256}.yaml")
    page = Iri(f"{city.url}/#/quality/{contract.feed}")  # of the portal
    mark = "SIMULATED. " if facts.simulated else ""
    seconds = contract.frequency_s
    every = None if seconds is None else Text(duration(seconds), "xsd:duration")
    graph.say(
        dataset,
        "dcat:Dataset",
        dct_title=Text(contract.title),
        dct_description=Text(mark + said.description),
        dct_identifier=Text(dataset.value, "xsd:anyURI"),
        dct_publisher=_agency(graph, city, contract.agency),
        dcat_keyword=[
            Text(t) for t in dict.fromkeys([*contract.tags, *(["simulated"] if facts.simulated else [])])
        ],
        dcat_theme=[Iri(f"{AUTHORITY}data-theme/{t}") for t in themes(words)],
        dct_accessRights=_access(city),
        dct_accrualPeriodicity=Iri(f"{AUTHORITY}frequency/{frequency(contract.frequency_s)}"),
        dcat_temporalResolution=every,
        dct_conformsTo=standard,
        dct_issued=time_text(facts.issued),
        dct_modified=time_text(None if snap is None else snap.received_at),
        dcat_landingPage=page,
        foaf_page=Iri(f"{city.url}/api/v1/datasets/{contract.feed}"),
        dcat_contactPoint=_contact(graph, facts),
        dct_spatial=_place(graph, dataset, facts.bbox),
        dct_temporal=_period(graph, dataset, facts.temporal),
    )
    graph.say(standard, "dct:Standard", dct_title=Text(f"Contract {contract.feed} {contract.version}"))
    graph.say(page, "foaf:Document")
    graph.say(Iri(f"{city.url}/api/v1/datasets/{contract.feed}"), "foaf:Document")
    if snap is not None:
        version = f"{dataset.value}/{snap.version}"
        known = f"As known at {snap.received_at}: log entry {snap.entry}, {snap.n_rows} rows."
        graph.say(
            dataset,
            dcat_version=Text(f"{contract.version}+{snap.version}"),
            adms_versionNotes=Text(known, language="en"),
            dcat_hasCurrentVersion=Iri(version),
            dcat_distribution=[Iri(f"{version}/rows.{suffix}#distribution") for suffix in FORMATS],
            prov_wasGeneratedBy=Iri(f"{city.url}/api/v1/lineage/{snap.entry}"),
        )
        graph.say(Iri(f"{city.url}/api/v1/lineage/{snap.entry}"), "prov:Activity")
        for form in FORMATS.values():
            _add_file(graph, city, facts, snap, form, facts.files.get(form.suffix))
    add_quality(graph, city.catalogue, dataset, facts.measured)


def _add_file(
    graph: Graph, city: City, facts: DatasetFacts, snap: Snapshot, form: Format, made: Made | None
) -> None:
    version = f"{city.catalogue}/{snap.feed}/{snap.version}"
    url = f"{version}/rows.{form.suffix}"
    node = Iri(f"{url}#distribution")
    graph.say(
        node,
        "dcat:Distribution",
        dct_title=Text(f"{facts.contract.title}: {form.title}, version {snap.version}"),
        dcat_accessURL=Iri(f"{version}/manifest.json"),
        dcat_downloadURL=Iri(url),
        dct_format=Iri(f"{AUTHORITY}file-type/{form.file_type}"),
        dcat_mediaType=Iri(_IANA + form.media_type),
        dct_license=None if facts.about.licence is None else Iri(facts.about.licence),
        dct_issued=time_text(snap.received_at),
        dct_modified=time_text(snap.received_at),
        dct_conformsTo=Iri(f"{city.catalogue}/{snap.feed}/contract/{snap.contract.sha256}.yaml"),
        dcatap_availability=Iri(f"{AUTHORITY}planned-availability/AVAILABLE"),
    )
    graph.say(Iri(_IANA + form.media_type), "dct:MediaType")
    if facts.about.licence is not None:
        graph.say(Iri(facts.about.licence), "dct:LicenseDocument")
    if made is not None:
        checksum = Iri(f"{url}#checksum")
        graph.say(
            node, dcat_byteSize=Text(str(made.n_bytes), "xsd:nonNegativeInteger"), spdx_checksum=checksum
        )
        graph.say(
            checksum,
            "spdx:Checksum",
            spdx_algorithm=named("spdx:checksumAlgorithm_sha256"),
            spdx_checksumValue=Text(made.sha256, "xsd:hexBinary"),
        )


def _add_panel(graph: Graph, city: City, version: PanelVersion) -> None:
    """Add a panel: many feeds on one grid, as its newest statement says it was built."""
    url, said = _panel_url(city, version), version.said
    dataset, definition = Iri(url), Iri(f"{url}/{version.entry}/definition.yaml")
    mark = "SIMULATED. " if said.simulated else ""
    inputs = [Iri(f"{city.catalogue}/{i.feed}/{i.up_to_batch}") for i in said.inputs]
    graph.say(
        dataset,
        "dcat:Dataset",
        dct_title=Text(f"Panel {version.name}"),
        dct_description=Text(
            f"{mark}{', '.join(version.panel.feeds)} on one grid of {version.panel.every_us / 1e6:g} s;"
            " filled values are marked as filled.",
            language="en",
        ),
        dct_identifier=Text(url, "xsd:anyURI"),
        dct_publisher=_city_agent(graph, city),
        dct_accessRights=_access(city),
        dcat_version=Text(str(version.entry)),
        dcat_keyword=Text("simulated") if said.simulated else None,
        dcat_temporalResolution=Text(duration(version.panel.every_us / 1e6), "xsd:duration"),
        dct_conformsTo=definition,
        prov_wasDerivedFrom=inputs,
        dct_source=[Iri(f"{city.catalogue}/{i.feed}") for i in said.inputs],
        dcat_distribution=[Iri(f"{url}/{version.entry}/rows.{s}#distribution") for s in ("parquet", "csv")],
    )
    graph.say(definition, "dct:Standard", dct_title=Text(f"Definition of panel {version.name}"))
    for suffix in ("parquet", "csv"):
        form, file = FORMATS[suffix], f"{url}/{version.entry}/rows.{suffix}"
        graph.say(
            Iri(f"{file}#distribution"),
            "dcat:Distribution",
            dct_title=Text(f"Panel {version.name}: {form.title}, log entry {version.entry}"),
            dcat_accessURL=Iri(f"{url}/{version.entry}"),
            dcat_downloadURL=Iri(file),
            dct_format=Iri(f"{AUTHORITY}file-type/{form.file_type}"),
            dcat_mediaType=Iri(_IANA + form.media_type),
        )
        graph.say(Iri(_IANA + form.media_type), "dct:MediaType")


def _agency(graph: Graph, city: City, agency: str | None) -> Iri:
    if agency is None:
        return _city_agent(graph, city)
    node = Iri(f"{city.catalogue}#agency-{agency}")
    graph.say(node, "foaf:Agent", foaf_name=Text(agency))
    return node


def _city_agent(graph: Graph, city: City) -> Iri:
    node = Iri(f"{city.catalogue}#city")
    graph.say(node, "foaf:Agent", foaf_name=Text(city.origin))
    return node


def _access(city: City) -> Iri:
    return Iri(f"{AUTHORITY}access-right/{'PUBLIC' if city.is_open else 'RESTRICTED'}")


def _contact(graph: Graph, facts: DatasetFacts) -> Blank | None:
    if facts.about.contact is None:
        return None
    node = Blank("contact_" + facts.contract.feed.replace("-", "_"))
    name = facts.contract.agency or facts.contract.feed
    kind = "vcard_hasEmail" if facts.about.contact.startswith("mailto:") else "vcard_hasURL"
    said: dict[str, Iri | Text] = {"vcard_fn": Text(name), kind: Iri(facts.about.contact)}
    graph.say(node, "vcard:Kind", **said)
    return node


def _place(graph: Graph, dataset: Iri, bbox: Box | None) -> Iri | None:
    if bbox is None:
        return None
    west, south, east, north = bbox
    corners = ((west, south), (east, south), (east, north), (west, north), (west, south))
    ring = ", ".join(f"{lon!r} {lat!r}" for lon, lat in corners)
    node = Iri(f"{dataset.value}#place")
    graph.say(node, "dct:Location", dcat_bbox=Text(f"POLYGON(({ring}))", "gsp:wktLiteral"))
    return node


def _period(graph: Graph, dataset: Iri, temporal: tuple[str, str] | None) -> Iri | None:
    if temporal is None:
        return None
    node = Iri(f"{dataset.value}#period")
    graph.say(
        node, "dct:PeriodOfTime", dcat_startDate=time_text(temporal[0]), dcat_endDate=time_text(temporal[1])
    )
    return node


def _panel_url(city: City, version: PanelVersion) -> str:
    return f"{city.catalogue}/_panels/{version.name}"
