"""What an operator does to a running system: one module per command of ./motcua."""
