"""What the work of the system costs from outside: reading, filing, uploading, resting."""
