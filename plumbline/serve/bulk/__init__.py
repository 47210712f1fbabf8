"""Files of events scored out of core: read, held against the contract, given their histories, scored in batches."""
