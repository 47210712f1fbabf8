"""The online state: a fold of the prediction log over the commit's tiles, embedded or in Redis."""
