"""The books of payments: what is owed, earned and given back, by double entry; and GST."""
