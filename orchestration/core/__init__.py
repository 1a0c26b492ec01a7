"""What everything else stands on: the source contract, the settings, the errors a user can cause."""
