"""Values of enums."""
