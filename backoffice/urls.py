"""Every address of the installation; what an app serves, the app's own urls.py says."""

from django.contrib import admin
from django.urls import path

urlpatterns = [
    path("admin/", admin.site.urls),
]
