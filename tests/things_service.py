"""A real SensorThings 1.1 service by others (django-ogc-sensorthings), on SQLite.

Prints the address once it listens.
"""

import sys
import uuid
from importlib import import_module
from types import ModuleType
from wsgiref.simple_server import WSGIRequestHandler, make_server

URLS = "things_urls"


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of its base
        """Say nothing."""


def main(database: str) -> None:
    """Serve until killed."""
    settings = import_module("django.conf").settings
    server = make_server("127.0.0.1", 0, lambda *_: [], handler_class=Quiet)
    root = f"http://127.0.0.1:{server.server_port}/sensorthings"
    v1 = "sensorthings.versions.v1_1"
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        SECRET_KEY="of a test",  # noqa: S106 - of nothing
        USE_TZ=True,
        ROOT_URLCONF=URLS,
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            v1,
            f"{v1}.backends.django",
            f"{v1}.extensions.dataarray",
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database}},
        SENSORTHINGS_V1_1_SERVICE_URL=root,
        SENSORTHINGS_V1_1_BACKEND_ADAPTER=f"{v1}.backends.django.adapter.DjangoBackendAdapter",
        SENSORTHINGS_V1_1_ID_TYPE=uuid.UUID,
        SENSORTHINGS_V1_1_ID_DELIMITER="'",
    )
    import_module("django").setup()
    routes = import_module("django.urls")
    urls = ModuleType(URLS)
    vars(urls)["urlpatterns"] = [routes.path("sensorthings/", routes.include(f"{v1}.urls"))]
    sys.modules[URLS] = urls
    import_module("django.core.management").call_command("migrate", verbosity=0)
    server.set_app(import_module("django.core.wsgi").get_wsgi_application())
    sys.stdout.write(f"{root}/v1.1\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
