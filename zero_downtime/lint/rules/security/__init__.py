"""Who may do what: functions with their owner's rights, row security, grants, secrets."""
