"""One module per carrier system; none knows Django or a model."""
