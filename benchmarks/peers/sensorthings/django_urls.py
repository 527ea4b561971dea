"""Where the API of django_project.py is: ``/v1.1``."""

from django.urls import include, path  # type: ignore[import-untyped]

urlpatterns = [path("", include("sensorthings.versions.v1_1.urls"))]
