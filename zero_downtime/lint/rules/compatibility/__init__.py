"""What breaks the running release."""
