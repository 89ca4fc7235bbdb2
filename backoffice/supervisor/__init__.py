"""`make run`: every process of the house under one roof, with one log, stopped together and leaving no orphan."""
