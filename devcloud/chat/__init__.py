"""IVS chat: rooms and tokens. KSMP's own rooms are its chat; this is for who compares."""
