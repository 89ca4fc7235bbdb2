"""Where the REST API answers: what each app brings, the OpenAPI document and the page to read it."""

from importlib.util import find_spec

from django.urls import include, path

from backoffice.api import pages

# An app that serves endpoints has api/urls.py; its name is all the ground knows.
APP_ENDPOINTS = ("inventory.api.urls", "orders.api.urls", "channels.api.urls", "finance.api.urls")


def _there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


urlpatterns = [
    path("api/v1/schema", pages.Schema.as_view(), name="api-schema"),
    path("api/v1/docs", pages.docs, name="api-docs"),
    *[path("api/v1/", include(name)) for name in APP_ENDPOINTS if _there(name)],
    path("api/<path:rest>", pages.nowhere, name="api-nowhere"),
]
