"""The rules of RFC 9420 that messages must keep, one file a section; each rule has a stable code."""
