"""Creation and manipulation functions beyond the basic ones: stacks, splits, borders, grids, DLPack."""
