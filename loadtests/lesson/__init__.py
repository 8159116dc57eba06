"""The parts of the class that `loadtests/classroom.py` plays."""
