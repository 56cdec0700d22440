"""The clauses: a file for each part of the specification, in the order of kit.GROUPS."""
