"""The kernel of KSMP: sockets, rooms, the bus and the module contract; it knows no domain."""
