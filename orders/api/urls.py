"""Where the endpoints of orders answer, below /api/v1/."""

from django.urls import path

from orders.api import views

urlpatterns = [
    path("orders", views.OrderList.as_view(), name="api-orders"),
    path("orders/changes", views.OrderChanges.as_view(), name="api-order-changes"),
    path("orders/<int:pk>", views.OrderDetail.as_view(), name="api-order"),
    path("shipments", views.Shipments.as_view(), name="api-shipments"),
]
