"""Facts of the time before analytics was on, from the rows of the modules."""
