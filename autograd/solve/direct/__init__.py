"""Linear systems by factors of their matrices: dense, structured, least squares."""
