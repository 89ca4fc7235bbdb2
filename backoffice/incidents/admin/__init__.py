"""The incident desk in the admin: the list, one incident, the rules and causes, the working time."""

from backoffice.incidents.admin import incident_list, rule_pages, settings_pages

__all__ = ["incident_list", "rule_pages", "settings_pages"]
