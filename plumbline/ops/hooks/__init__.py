"""Git hooks that bring the outs of the commit that was checked out, and what they do."""
