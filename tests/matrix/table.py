"""Who may open what. Written by hand from the house's role table, never derived from the code: it is the promise.

Letters: o owner, a ops_admin, d order_clerk (desk), w warehouse_clerk, s customer_service, b bookkeeper, p buyer
(purchasing), i auditor (inspector). A superuser may open everything; nobody else, and no anonymous visitor, may open
what names no letter. A page that stands in neither table makes the test fail.
"""

LETTERS = {
    "o": "owner",
    "a": "ops_admin",
    "d": "order_clerk",
    "w": "warehouse_clerk",
    "s": "customer_service",
    "b": "bookkeeper",
    "p": "buyer",
    "i": "auditor",
}
ALL = "".join(LETTERS)

# model → (list and pages to read, add, change, delete)
MODELS = {
    "auth_group": ("oi", "o", "o", ""),
    "axes_accessattempt": ("o", "", "", "o"),
    "backoffice_apikey": ("oi", "o", "o", ""),
    "backoffice_auditentry": ("oai", "", "", ""),
    "backoffice_heartbeat": ("oai", "", "", ""),
    "backoffice_lease": ("oa", "", "", ""),
    "backoffice_taskattempt": ("oai", "", "", ""),
    "backoffice_user": ("oi", "o", "o", ""),
    "django_q_failure": ("", "", "", ""),
    "django_q_ormq": ("", "", "", ""),
    "django_q_schedule": ("", "", "", ""),
    "django_q_success": ("", "", "", ""),
    "finance_currency": ("obi", "ob", "ob", ""),
    "finance_exchangerate": ("obi", "ob", "", ""),
    "finance_ledgeraccount": ("obi", "ob", "ob", "ob"),
    "finance_openitem": ("obi", "", "", ""),
    "finance_period": ("obi", "", "", ""),
    "finance_postingrequest": ("obi", "", "", ""),
    "finance_voucher": ("obi", "", "", ""),
    "finance_voucherline": ("obi", "", "", ""),
    "inventory_access": ("oi", "o", "o", "o"),
    "inventory_balance": (ALL, "", "", ""),
    "inventory_product": (ALL, "oap", "oap", ""),
    "inventory_reservation": ("oadwbpi", "", "", ""),
    "inventory_shop": ("oadsbpi", "oa", "oa", ""),
    "inventory_shopwarehouse": ("oadbpi", "oa", "oa", ""),
    "inventory_sku": (ALL, "oap", "oap", ""),
    "inventory_stockdocument": ("oawbi", "", "", ""),
    "inventory_stockentry": ("oadwbpi", "", "", ""),
    "inventory_stockpolicy": ("oadbpi", "oa", "oa", ""),
    "inventory_warehouse": ("oadwbpi", "oa", "oa", ""),
    "orders_checksetting": ("oadi", "", "oa", ""),
    "orders_order": (ALL, "", "", ""),
    "orders_orderevent": ("oadsi", "", "", ""),
    "orders_refund": ("oadsbi", "", "", ""),
    "orders_reviewlog": ("oadsi", "", "", ""),
    "orders_shipment": (ALL, "", "", ""),
}

# name of a single page → (GET, POST); "*" is everybody who is logged in, "open" everybody at all, "-" nobody: 405.
PAGES = {
    "root": ("open", "open"),
    "healthz": ("open", "-"),
    "set_language": ("-", "open"),
    "home_cards": ("*", "-"),
    "progress": ("*", "-"),
    "api-schema": ("oi", "-"),
    "api-docs": ("oi", "oi"),
    "channels:hook": ("-", "open"),
    "admin:search": ("*", "*"),
    "admin:index": ("*", "*"),
    "admin:login": ("open", "open"),
    "admin:logout": ("-", "*"),
    "admin:password_change": ("*", "*"),
    "admin:password_change_done": ("*", "*"),
    "admin:jsi18n": ("*", "*"),
    "admin:auth_user_password_change": ("o", "o"),
    "admin:inventory_sku_why": (ALL, "-"),
    "admin:inventory_sku_import_skus": ("oap", "oap"),
    "admin:inventory_sku_export_skus": (ALL, "-"),
    "admin:inventory_sku_why_action": (ALL, ALL),
    "admin:inventory_stockdocument_do": ("-", "oaw"),
    "admin:inventory_stockdocument_upload_count": ("oaw", "oaw"),
    "admin:inventory_stockdocument_count_sheet": ("oaw", "-"),
    "admin:inventory_stockdocument_adjust": ("oaw", "oaw"),
    "admin:inventory_balance_export_xlsx": (ALL, "-"),
    "admin:finance_exchangerate_import_ecb": ("ob", "ob"),
    "admin:orders_order_do": ("-", "oadw"),
    "admin:orders_order_reveal": ("-", "oads"),
}

# Answered by other tests: keys instead of people (tests/api), an object behind another (contenttypes), or a choice
# that depends on the field asked for (autocomplete).
ELSEWHERE = {
    "api-skus", "api-sku", "api-availability", "api-stock", "api-stock-adjustments", "api-orders",
    "api-order-changes", "api-order", "api-shipments", "api-nowhere",
    "admin:autocomplete", "admin:view_on_site", "admin:app_list",
}  # fmt: skip
