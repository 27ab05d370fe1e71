"""Everything that brings Một Cửa up on a machine: the local supervisor, images, rehearsal data, operator's commands."""
