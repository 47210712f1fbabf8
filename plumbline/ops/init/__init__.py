"""A team's own repository, which installs the library: written by `init`, moved to a newer library by `upgrade`."""
