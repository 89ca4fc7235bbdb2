"""Webhooks speed things up and prove nothing: a verified call only names an order to fetch. Polling finds the rest."""
