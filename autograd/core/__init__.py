"""The engine: the traced array, the tape, the registry of primitives, the dispatcher and the reverse sweep."""
