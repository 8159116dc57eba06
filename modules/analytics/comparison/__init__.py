"""The facts of each day, compared with the rows of the modules that they tell of."""
