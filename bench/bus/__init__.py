"""What one call and one event cost on the bus."""
