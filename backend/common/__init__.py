"""The parts that all backends share: their record, its errors, and the records of launches on a device."""
