"""Deletes what nobody needs any more: uploads that were not finished, files that nothing holds, unknown objects."""
