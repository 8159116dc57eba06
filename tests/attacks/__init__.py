"""Every limit of the protocol as an attacker would test it, with honest members chatting beside."""
