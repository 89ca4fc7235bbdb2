"""Every GraphQL document we send to Shopify, each a named constant, so that tests can hold all to the published schema.

Sizes are variables, because what a page may cost is only known from the answers (see `throttle`). Nested lists ask for
little and are followed when they overflow. Source: Admin GraphQL 2026-10 introspection.
"""

from __future__ import annotations

import functools
import re

API_VERSION = "2026-10"

_PAGE = "pageInfo { hasNextPage endCursor }"
_MONEY = "{ shopMoney { amount } }"

_ADDRESS = """
fragment AddressFields on MailingAddress {
  name company address1 address2 city province provinceCode zip country countryCodeV2 phone
}
"""

_LINE = f"""
fragment LineFields on LineItem {{
  id sku title variantTitle quantity currentQuantity unfulfilledQuantity requiresShipping isGiftCard
  originalUnitPriceSet {_MONEY}
  discountAllocations {{ allocatedAmountSet {_MONEY} }}
  taxLines {{ rate priceSet {_MONEY} }}
  customAttributes {{ key value }}
  lineItemGroup {{ id title quantity variantSku }}
  variant {{ id barcode }}
}}
"""

_FULFILMENT_ORDER_HEAD = "id status fulfillBy assignedLocation { location { id isFulfillmentService } }"

_ORDER = (
    f"""
fragment OrderFields on Order {{
  id legacyResourceId name note tags email phone test edited sourceName discountCodes paymentGatewayNames
  createdAt processedAt updatedAt cancelledAt cancelReason closedAt
  displayFinancialStatus displayFulfillmentStatus currencyCode presentmentCurrencyCode taxesIncluded
  customAttributes {{ key value }}
  currentTotalPriceSet {{ shopMoney {{ amount currencyCode }} presentmentMoney {{ amount currencyCode }} }}
  totalPriceSet {_MONEY}
  currentTotalDiscountsSet {_MONEY}
  currentTotalTaxSet {_MONEY}
  currentShippingPriceSet {_MONEY}
  currentTotalDutiesSet {_MONEY}
  currentTotalAdditionalFeesSet {_MONEY}
  totalTipReceivedSet {_MONEY}
  totalCashRoundingAdjustment {{ paymentSet {_MONEY} }}
  risk {{ recommendation }}
  customer {{ id displayName }}
  shippingAddress {{ ...AddressFields }}
  billingAddress {{ ...AddressFields }}
  shippingLines(first: 3) {{ nodes {{ title code }} }}
  transactions(first: 10) {{ kind status processedAt }}
  fulfillments {{ id }}
  refunds {{ id }}
  fulfillmentOrders(first: 3) @include(if: $withFulfilmentOrders) {{
    nodes {{ {_FULFILMENT_ORDER_HEAD} }} {_PAGE}
  }}
  lineItems(first: $lines) {{ nodes {{ ...LineFields }} {_PAGE} }}
}}
"""
    + _LINE
    + _ADDRESS
)

SHOP = """
query Shop {
  shop { id name myshopifyDomain currencyCode ianaTimezone billingAddress { countryCodeV2 } }
  currentAppInstallation { accessScopes { handle } }
}
"""

ORDERS = (
    f"""
query Orders($query: String!, $first: Int!, $after: String, $lines: Int!, $withFulfilmentOrders: Boolean!) {{
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {{
    nodes {{ ...OrderFields }} {_PAGE}
  }}
}}
"""
    + _ORDER
)

ORDER = (
    """
query Order($id: ID!, $lines: Int!, $withFulfilmentOrders: Boolean!) {
  order(id: $id) { ...OrderFields }
}
"""
    + _ORDER
)

ORDER_LINES = (
    f"""
query OrderLines($id: ID!, $first: Int!, $after: String) {{
  order(id: $id) {{
    id updatedAt
    lineItems(first: $first, after: $after) {{ nodes {{ ...LineFields }} {_PAGE} }}
  }}
}}
"""
    + _LINE
)

FULFILMENTS = f"""
query Fulfilments($ids: [ID!]!) {{
  nodes(ids: $ids) {{
    ... on Fulfillment {{
      id status createdAt
      trackingInfo(first: 10) {{ company number url }}
      fulfillmentLineItems(first: 10) {{ nodes {{ quantity lineItem {{ id }} }} {_PAGE} }}
    }}
  }}
}}
"""

FULFILMENT_LINES = f"""
query FulfilmentLines($id: ID!, $first: Int!, $after: String) {{
  fulfillment(id: $id) {{
    id
    fulfillmentLineItems(first: $first, after: $after) {{ nodes {{ quantity lineItem {{ id }} }} {_PAGE} }}
  }}
}}
"""

_REFUND_LINE = f"id quantity restockType restocked lineItem {{ id }} subtotalSet {_MONEY} totalTaxSet {_MONEY}"

REFUNDS = f"""
query Refunds($ids: [ID!]!) {{
  nodes(ids: $ids) {{
    ... on Refund {{
      id createdAt processedAt note
      totalRefundedSet {_MONEY}
      refundLineItems(first: 10) {{ nodes {{ {_REFUND_LINE} }} {_PAGE} }}
      refundShippingLines(first: 3) {{ nodes {{ subtotalAmountSet {_MONEY} taxAmountSet {_MONEY} }} }}
    }}
  }}
}}
"""

REFUND_LINES = f"""
query RefundLines($id: ID!, $first: Int!, $after: String) {{
  refund(id: $id) {{
    id
    refundLineItems(first: $first, after: $after) {{ nodes {{ {_REFUND_LINE} }} {_PAGE} }}
  }}
}}
"""

_FULFILMENT_ORDER_LINE = "id remainingQuantity totalQuantity lineItem { id }"

FULFILMENT_ORDERS = f"""
query FulfilmentOrders($id: ID!, $first: Int!, $after: String) {{
  order(id: $id) {{
    id
    fulfillmentOrders(first: $first, after: $after) {{
      nodes {{
        {_FULFILMENT_ORDER_HEAD}
        supportedActions {{ action }}
        lineItems(first: 40) {{ nodes {{ {_FULFILMENT_ORDER_LINE} }} {_PAGE} }}
      }}
      {_PAGE}
    }}
  }}
}}
"""

FULFILMENT_ORDER_LINES = f"""
query FulfilmentOrderLines($id: ID!, $first: Int!, $after: String) {{
  fulfillmentOrder(id: $id) {{
    id
    lineItems(first: $first, after: $after) {{ nodes {{ {_FULFILMENT_ORDER_LINE} }} {_PAGE} }}
  }}
}}
"""

ORDER_STATE = """
query OrderState($id: ID!) {
  order(id: $id) { id name cancelledAt fulfillments { id } }
}
"""

FULFIL = """
mutation Fulfil($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) {
    fulfillment { id status }
    userErrors { field message }
  }
}
"""

CANCEL = """
mutation Cancel(
  $orderId: ID!, $reason: OrderCancelReason!, $notify: Boolean!, $note: String, $refund: OrderCancelRefundMethodInput
) {
  orderCancel(
    orderId: $orderId, reason: $reason, restock: false, notifyCustomer: $notify, staffNote: $note, refundMethod: $refund
  ) {
    job { id done }
    orderCancelUserErrors { field message code }
  }
}
"""

REFUND_STATE = """
query RefundState($id: ID!) {
  order(id: $id) {
    id currencyCode presentmentCurrencyCode
    refunds { id }
    transactions(first: 50) {
      id kind status gateway
      amountSet { shopMoney { amount } }
      parentTransaction { id }
    }
  }
}
"""

REFUND = """
mutation Refund($input: RefundInput!, $key: String!) {
  refundCreate(input: $input) @idempotent(key: $key) {
    refund { id }
    userErrors { field message }
  }
}
"""

LOCATIONS = f"""
query Locations($first: Int!, $after: String) {{
  locations(first: $first, after: $after, includeInactive: true, includeLegacy: true) {{
    nodes {{ id name isActive fulfillsOnlineOrders isFulfillmentService address {{ countryCode }} }} {_PAGE}
  }}
}}
"""

_LEVEL = 'isActive updatedAt location { id } quantities(names: ["available"]) { name quantity }'

LISTINGS = f"""
query Listings($query: String, $first: Int!, $after: String) {{
  productVariants(first: $first, after: $after, query: $query, sortKey: ID) {{
    nodes {{
      id legacyResourceId sku barcode title price requiresComponents
      product {{ id title status isGiftCard onlineStoreUrl }}
      inventoryItem {{ id tracked inventoryLevels(first: 5) {{ nodes {{ {_LEVEL} }} {_PAGE} }} }}
    }}
    {_PAGE}
  }}
}}
"""

LEVELS = f"""
query Levels($id: ID!, $first: Int!, $after: String) {{
  inventoryItem(id: $id) {{ id inventoryLevels(first: $first, after: $after) {{ nodes {{ {_LEVEL} }} {_PAGE} }} }}
}}
"""

STOCK = f"""
query Stock($ids: [ID!]!, $location: ID!) {{
  nodes(ids: $ids) {{
    ... on InventoryItem {{ id tracked inventoryLevel(locationId: $location) {{ {_LEVEL} }} }}
  }}
}}
"""

SET_STOCK = """
mutation SetStock($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id }
    userErrors { field message code }
  }
}
"""

WEBHOOKS = f"""
query Webhooks($first: Int!, $after: String) {{
  webhookSubscriptions(first: $first, after: $after) {{ nodes {{ id topic uri }} {_PAGE} }}
}}
"""

SUBSCRIBE = """
mutation Subscribe($topic: WebhookSubscriptionTopic!, $subscription: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $subscription) {
    webhookSubscription { id topic uri }
    userErrors { field message }
  }
}
"""

DOCUMENTS: dict[str, str] = {
    name: text for name, text in list(globals().items()) if name[0] != "_" and isinstance(text, str) and "\n" in text
}


@functools.cache
def operation_name(document: str) -> str:
    """Return the name of the document's operation."""
    found = re.search(r"^(?:query|mutation)\s+(\w+)", document, re.MULTILINE)
    if found is None:
        raise ValueError("a document without a named operation")
    return found[1]
