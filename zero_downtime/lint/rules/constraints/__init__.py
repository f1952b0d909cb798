"""Constraints checked, or built, while others wait."""
