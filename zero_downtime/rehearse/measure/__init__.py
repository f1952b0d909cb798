"""What a migration did, measured: on a quiet copy, from outside, and from the server's log."""
