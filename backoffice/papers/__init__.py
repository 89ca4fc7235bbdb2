"""Drawing PDF papers: fonts for every script, text that cannot break a page, tables that flow, bars and QR codes."""
