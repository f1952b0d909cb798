"""The proof that a revision can be undone, and gone on with after a kill."""
