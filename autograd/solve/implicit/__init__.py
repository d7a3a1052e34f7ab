"""`pb.implicit`: roots, fixed points and minima as differentiable functions of their parameters."""
