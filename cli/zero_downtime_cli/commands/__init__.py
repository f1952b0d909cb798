"""One verb a module; each module ``NAME`` holds the click command ``NAME``."""
