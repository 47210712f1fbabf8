"""Days of the prediction log sealed into `sources/<use case>/sealed/`, by pointers of DVC."""
