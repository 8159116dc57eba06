"""Speakers and co-hosts: the roles that hosts give to viewers."""
