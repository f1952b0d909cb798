"""The verb generate: from the declared schema to a proven revision. Also the engine of diff."""
