"""One partition a day (UTC), up to the features; everything after them looks at all days at once."""

import dagster as dg

FIRST_DAY = "2009-01-01"
"""Events before it are quarantined as too old: the oldest shell histories with times seen in the wild begin there."""

# Today counts: a server's log of this morning must not wait for midnight to be watched.
days = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, end_offset=1)

# A run covers whatever range it is asked for; one run a day would spend more on starting than on working.
whole_range = dg.BackfillPolicy.single_run()
