"""NumPy: functions of networks, in as few passes over memory as NumPy allows."""
