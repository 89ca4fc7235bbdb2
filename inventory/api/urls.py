"""Where the endpoints of catalogue and stock answer, below /api/v1/."""

from django.urls import path

from inventory.api import lots, views

urlpatterns = [
    path("skus", views.SkuList.as_view(), name="api-skus"),
    path("skus/<path:code>", views.SkuDetail.as_view(), name="api-sku"),
    path("availability", views.Availability.as_view(), name="api-availability"),
    path("stock", views.StockList.as_view(), name="api-stock"),
    path("stock-value", views.StockValue.as_view(), name="api-stock-value"),
    path("lots", lots.LotList.as_view(), name="api-lots"),
    path("lot-stock", lots.LotStockList.as_view(), name="api-lot-stock"),
    path("lot-movements", lots.LotMovementList.as_view(), name="api-lot-movements"),
    path("stock-adjustments", views.StockAdjustments.as_view(), name="api-stock-adjustments"),
]
