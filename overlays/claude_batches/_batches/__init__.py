"""Creating, reconciling and awaiting batches: decisions without I/O."""
