"""The files that ``zd init`` writes into an empty folder, as they are."""
