"""The papers of orders as PDF: what stands on each (plain facts), and how it is drawn."""
