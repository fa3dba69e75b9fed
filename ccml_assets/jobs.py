"""Four jobs, cut where the circle has to wait: for files, for days, for a decision, for traffic."""

import dagster as dg

ingest = dg.define_asset_job(
    "ingest",
    selection=dg.AssetSelection.groups("landing"),
    description="Reads the files that wait in the landing zone into the landed tables.",
    tags={"dagster/max_runtime": 3_600},
)

prepare = dg.define_asset_job(
    "prepare",
    selection=dg.AssetSelection.groups("raw", "clean", "features"),
    description="Makes the daily tables of a range of days, from raw events to features.",
    tags={"dagster/max_runtime": 3_600},
)

learn = dg.define_asset_job(
    "learn",
    selection=dg.AssetSelection.groups("datasets", "models", "exports", "reports", "releases", "serving"),
    description="Data sets, models, reports, gate and release. Expect minutes on two cores.",
    tags={"dagster/max_runtime": 14_400},
)

monitor = dg.define_asset_job(
    "monitor",
    selection=dg.AssetSelection.groups("monitoring"),
    description="Compares what was served with what was promised.",
    tags={"dagster/max_runtime": 1_800},
)

all_jobs = [ingest, prepare, learn, monitor]
