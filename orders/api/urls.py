"""Where the endpoints of orders answer, below /api/v1/."""

from django.urls import path

from orders.api import purchasing, views

urlpatterns = [
    path("orders", views.OrderList.as_view(), name="api-orders"),
    path("orders/changes", views.OrderChanges.as_view(), name="api-order-changes"),
    path("orders/<int:pk>", views.OrderDetail.as_view(), name="api-order"),
    path("shipments", views.Shipments.as_view(), name="api-shipments"),
    path("suppliers", purchasing.SupplierList.as_view(), name="api-suppliers"),
    path("suppliers/<str:code>", purchasing.SupplierDetail.as_view(), name="api-supplier"),
    path("suppliers/<str:code>/items", purchasing.SupplierItems.as_view(), name="api-supplier-items"),
    path("purchase-orders", purchasing.PurchaseList.as_view(), name="api-purchase-orders"),
    path("purchase-orders/<int:pk>", purchasing.PurchaseDetail.as_view(), name="api-purchase-order"),
    path("purchase-orders/<int:pk>/receipts", purchasing.PurchaseReceipts.as_view(), name="api-purchase-receipts"),
    path("replenishment", purchasing.Replenishment.as_view(), name="api-replenishment"),
]
