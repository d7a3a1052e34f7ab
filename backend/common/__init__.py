"""What every backend has in common: its record, its errors, and the records of launches on a device."""
