"""What a rehearsal needs and a production system must not have: fictional people, a test authority, forged papers."""
