"""The playground: a page on which networks train before one's eyes, and gradients flow through an expression."""
