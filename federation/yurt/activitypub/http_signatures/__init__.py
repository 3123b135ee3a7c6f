"""HTTP signatures: draft-cavage-12 with the fediverse, RFC 9421 between nodes, one policy for both."""
