"""The yurt command: one file per noun, imported only when called."""
