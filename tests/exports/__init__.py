"""From a submitted job to a table."""
