"""The stock audits itself: every counter worked out anew from its documents; differences named, repaired, undone."""
