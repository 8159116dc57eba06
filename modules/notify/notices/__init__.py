"""Notices: told and withdrawn, inside the transaction of the fact."""
