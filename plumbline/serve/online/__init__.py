"""One request's way to its answer: body, checks compiled from the contract, compiled scorer, answer's bytes."""
