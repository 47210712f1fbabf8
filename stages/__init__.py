"""One thin file per stage. `python -m stages.NAME`, started by DVC, takes known outs from the cache in place of a run."""

from plumbline.repo import reuse

reuse.at_start()
