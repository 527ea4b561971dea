"""A Django project that is nothing but django-ogc-sensorthings on PostgreSQL: its README's settings.

It runs in an environment of its own (requirements/server-peers.txt):

    DATABASE=postgresql://user:password@127.0.0.1:port/name python django_project.py migrate
    DATABASE=… gunicorn django_project:application

But for one error mended (django_adapter.py), pages of up to 1,000, and what serves speed: no debugging, no
middleware, no pages of documentation, and connections to the database that are kept.
"""

import os
import sys
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings  # type: ignore[import-untyped]
from django.core.management import execute_from_command_line  # type: ignore[import-untyped]
from django.core.wsgi import get_wsgi_application  # type: ignore[import-untyped]

_API = "sensorthings.versions.v1_1"
_DATABASE = urlsplit(os.environ["DATABASE"])

settings.configure(
    DEBUG=False,
    SECRET_KEY="of a benchmark: nothing is signed with it",  # noqa: S106 - no secret
    ALLOWED_HOSTS=["127.0.0.1"],
    USE_TZ=True,
    ROOT_URLCONF="django_urls",
    INSTALLED_APPS=[_API, f"{_API}.backends.django", f"{_API}.extensions.dataarray"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": _DATABASE.hostname,
            "PORT": _DATABASE.port,
            "NAME": _DATABASE.path.lstrip("/"),
            "USER": _DATABASE.username,
            "PASSWORD": _DATABASE.password,
            "CONN_MAX_AGE": None,
        }
    },
    SENSORTHINGS_V1_1_SERVICE_URL="http://127.0.0.1",
    SENSORTHINGS_V1_1_BACKEND_ADAPTER="django_adapter.Mended",
    SENSORTHINGS_V1_1_ID_TYPE=UUID,
    SENSORTHINGS_V1_1_ID_DELIMITER="'",
    SENSORTHINGS_V1_1_MAX_TOP=1_000,
    SENSORTHINGS_V1_1_DOCS_ENABLED=False,
)
application = get_wsgi_application()

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
