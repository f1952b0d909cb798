"""What an application does to its tables while they are migrated."""
