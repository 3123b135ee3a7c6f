"""The fediverse on the screen: posts of people who are followed, and who asks to follow."""
