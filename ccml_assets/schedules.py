"""A nightly look for files and a weekly training. Both are on by default; the README says how to switch them off."""

import dagster as dg

from ccml_assets import jobs

nightly_data = dg.ScheduleDefinition(
    name="nightly_data",
    job=jobs.ingest,
    cron_schedule="0 2 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Reads what is in the landing zone at two in the morning (UTC), whether or not the sensor ran.",
)

weekly_retraining = dg.ScheduleDefinition(
    name="weekly_retraining",
    job=jobs.learn,
    cron_schedule="0 3 * * 0",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Trains on everything prepared so far, Sundays at three (UTC); the gate decides what becomes of it.",
)

all_schedules = [nightly_data, weekly_retraining]
