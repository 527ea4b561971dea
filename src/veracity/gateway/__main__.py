"""``veracity-gateway``, and ``python -m veracity.gateway``: the command of the small install."""

import json
import sys

import click

from veracity.errors import Malformed, Rejected, Unavailable, VeracityError
from veracity.gateway.commands import gateway

# As in the whole: rejected, malformed, out of reach.
_CODES: list[tuple[type[VeracityError], int]] = [(Rejected, 1), (Malformed, 3), (Unavailable, 4)]


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        code = gateway.main(given, prog_name="veracity-gateway", standalone_mode=False)
    except click.ClickException as exc:
        exc.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except VeracityError as exc:
        status = next((status for kind, status in _CODES if isinstance(exc, kind)), 1)
        if "--json" in given:
            error = {"schema": "veracity.error/v1", "code": exc.code, "detail": str(exc), "exit": status}
            click.echo(json.dumps(error))
        else:
            click.echo(f"veracity-gateway: {exc}", err=True)
        sys.exit(status)
    sys.exit(int(code or 0))


if __name__ == "__main__":
    main()
