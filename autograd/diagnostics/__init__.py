"""Tools that look at derivatives: central differences, NaN hunting, pictures of graphs."""
