"""One partition a day (UTC), up to the features; everything after them looks at all days at once."""

import dagster as dg

FIRST_DAY = "2009-01-01"
"""Events before it are quarantined as too old: the oldest shell histories with times seen in the wild begin there."""

# Today counts: a server's log of this morning must not wait for midnight to be watched. Tomorrow counts too: a machine
# whose clock is ahead may write events of it, and landing takes them up to a day early.
days = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, end_offset=2)

# A run covers whatever range it is asked for; one run a day would spend more on starting than on working.
whole_range = dg.BackfillPolicy.single_run()
