"""attnzoo.cli: the command `attnzoo` (floor 5: imports all others)."""
