"""The addresses of channels outside the admin: where platforms call."""

from django.urls import path

from channels.webhooks.receive import receive

app_name = "channels"
urlpatterns = [
    path("hooks/<slug:platform>/<str:token>", receive, name="hook"),
]
