"""Every address of the installation; what an app serves, the app's own urls.py says."""

from importlib.util import find_spec

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from backoffice import guides, notice_pages, scanning_pages, twofactor_pages, views
from backoffice.attachments import pages as attachments
from backoffice.imports import pages as import_pages

# An app that serves addresses outside the admin has a urls.py; its name is all the ground knows.
APP_URLS = ("backoffice.api.urls", "inventory.urls", "finance.urls", "orders.urls", "channels.urls")

handler500 = "backoffice.api.pages.broken"
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="root"),
    path("healthz", views.healthz, name="healthz"),
    path("i18n/language/", views.set_language, name="set_language"),
    path("admin/home/cards/", views.home_cards, name="home_cards"),
    path("admin/progress/<int:pk>/", views.progress, name="progress"),
    path("admin/two-factor/", twofactor_pages.own, name="two_factor"),
    path("admin/two-factor/code/", twofactor_pages.code, name="two_factor_code"),
    path("admin/notices/", admin.site.admin_view(notice_pages.own), name="notices"),
    path("admin/scan/photo/", admin.site.admin_view(scanning_pages.photo), name="scan_photo"),
    path("admin/guides/", admin.site.admin_view(guides.index), name="guides"),
    path("admin/guides/<slug:key>/", admin.site.admin_view(guides.page), name="guide"),
    path("admin/imports/", admin.site.admin_view(import_pages.index), name="imports"),
    path("admin/imports/file/<int:pk>/", admin.site.admin_view(import_pages.show), name="import_run"),
    path("admin/imports/file/<int:pk>/do/", admin.site.admin_view(import_pages.act), name="import_do"),
    path("admin/imports/file/<int:pk>/problems/", admin.site.admin_view(import_pages.errors), name="import_problems"),
    path("admin/imports/<str:kind>/", admin.site.admin_view(import_pages.start), name="import_start"),
    path("admin/imports/<str:kind>/template/", admin.site.admin_view(import_pages.template), name="import_template"),
    path("admin/imports/<str:kind>/export/", admin.site.admin_view(import_pages.export), name="import_export"),
    path("admin/attachments/<str:kind>/<int:pk>/", admin.site.admin_view(attachments.add), name="attachment_add"),
    path("admin/attachments/file/<str:token>", admin.site.admin_view(attachments.show), name="attachment"),
    path(
        "admin/attachments/file/<str:token>/remove/",
        admin.site.admin_view(attachments.remove),
        name="attachment_remove",
    ),
    path("admin/search/", admin.site.admin_view(views.search), name="search"),
    *[path("", include(name)) for name in APP_URLS if find_spec(name)],
    path("admin/", admin.site.urls),
]
