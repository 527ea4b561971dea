"""Errors of the gateway."""

from veracity.errors import Malformed, Rejected, Unavailable, VeracityError


class GatewayError(VeracityError):
    """Root of the errors of ``gateway``."""

    code = "gateway-error"


class MalformedConfig(GatewayError, Malformed):
    """The file is no configuration of a gateway."""

    code = "malformed-gateway-config"


class StoreFull(GatewayError, Unavailable):
    """The gateway keeps as much as it may: who sent the record must keep it, and try again."""

    code = "gateway-full"


class StoreUnusable(GatewayError, Unavailable):
    """The gateway's own files cannot be read or written."""

    code = "gateway-store-unusable"


class GatewayBusy(GatewayError, Unavailable):
    """Another gateway runs on the same state."""

    code = "gateway-busy"


class SourceFault(GatewayError, Unavailable):
    """A source does not answer, or answers with an error; it is asked again later."""

    code = "source-fault"


class MalformedReading(GatewayError, Malformed):
    """What a source sent is no record."""

    code = "malformed-reading"


class CityUnavailable(GatewayError, Unavailable):
    """The city cannot be reached, or does not answer."""

    code = "city-unavailable"


class JoinRejected(GatewayError, Rejected):
    """The city says no, or who answered is not the city that gave the code."""

    code = "join-rejected"


class AlreadyJoined(GatewayError, Malformed):
    """The gateway has a city already."""

    code = "already-joined"


class ModelNotReleased(GatewayError, Rejected):
    """The files are not those of a model that the city's log released."""

    code = "model-not-released"


class MalformedGraph(GatewayError, Malformed):
    """The bytes are no ONNX graph with the inputs and outputs configured."""

    code = "malformed-edge-model"


class MissingExtra(GatewayError, Unavailable):
    """An optional library is not installed; the message says which extra brings it."""

    code = "gateway-missing-extra"
