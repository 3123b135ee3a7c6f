"""The demo on the screen: two people of two nodes, side by side in one terminal."""
