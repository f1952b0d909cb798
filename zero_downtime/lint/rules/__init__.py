"""The rules: one family a file, each rule a class with its why, its safe way and its examples."""
