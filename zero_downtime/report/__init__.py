"""Values turned into text: pure functions, one module a subject, one function a format."""
