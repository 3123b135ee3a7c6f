"""RFC 9420 (MLS), sans-I/O: one file per structure."""
