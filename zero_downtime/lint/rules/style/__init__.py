"""Style; all but plain mistakes is off by default."""
