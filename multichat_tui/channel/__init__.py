"""What records mean: the control log's authority, and whether content counts. Pure functions of the records held."""
