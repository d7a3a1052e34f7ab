"""`pb.sparse`: sparse matrices, their rules, and systems of them."""
