"""What a class comes to at this moment, for modules that show it while it goes on."""
