"""Many cotangents in one sweep: an array type with a leading axis that rules do not see."""
