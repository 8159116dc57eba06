"""What is to be deleted of somebody, here and in each sink, as jobs that are tracked."""
