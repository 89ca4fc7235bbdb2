"""A practice carrier that speaks HTTP as a real one does; it knows nothing of our side."""
