"""Where the endpoints of catalogue and stock answer, below /api/v1/."""

from django.urls import path

from inventory.api import lots, stocktakes, transfers, views

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
    path("transfers", transfers.TransferList.as_view(), name="api-transfers"),
    path("transfers/<int:pk>", transfers.TransferDetail.as_view(), name="api-transfer"),
    path("transfers/<int:pk>/request", transfers.TransferRequest.as_view(), name="api-transfer-request"),
    path("transfers/<int:pk>/pick", transfers.TransferPick.as_view(), name="api-transfer-pick"),
    path("transfers/<int:pk>/send", transfers.TransferSend.as_view(), name="api-transfer-send"),
    path("transfers/<int:pk>/receive", transfers.TransferReceive.as_view(), name="api-transfer-receive"),
    path("transfers/<int:pk>/cancel", transfers.TransferCancel.as_view(), name="api-transfer-cancel"),
    path("stocktakes", stocktakes.StocktakeList.as_view(), name="api-stocktakes"),
    path("stocktakes/<int:pk>", stocktakes.StocktakeDetail.as_view(), name="api-stocktake"),
    path("stocktakes/<int:pk>/lines", stocktakes.StocktakeLines.as_view(), name="api-stocktake-lines"),
    path("stocktakes/<int:pk>/counts", stocktakes.StocktakeCounts.as_view(), name="api-stocktake-counts"),
]
