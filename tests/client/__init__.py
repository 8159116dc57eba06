"""The client, alone, against a stand-in, and against real gateways."""
