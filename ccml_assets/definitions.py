"""The whole platform: what there is, what it is made with, what keeps it fresh."""

from ccml.quiet import send_nothing_home
from ccml.threads import sleep_while_waiting

send_nothing_home()
sleep_while_waiting()

import warnings  # noqa: E402

import dagster as dg  # noqa: E402  (reads the environment when it loads)

# Partition mappings and backfill policies are "beta" for years; thirty lines of it hide what a user has to read.
warnings.simplefilter("ignore", dg.BetaWarning)
# A check of a daily table has the table's partitions, which Dagster calls "preview"; without, it would read all days.
warnings.simplefilter("ignore", dg.PreviewWarning)

from ccml.home import Home  # noqa: E402
from ccml.settings import loaded_profile  # noqa: E402
from ccml_assets import (  # noqa: E402
    clean,
    datasets,
    features,
    jobs,
    landing,
    landing_checks,
    model_assets,
    monitoring,
    monitoring_checks,
    raw,
    schedules,
    sensors,
)
from ccml_assets.executor import marked_executor  # noqa: E402
from ccml_assets.policies import reported, with_policies  # noqa: E402
from ccml_resources.experiments import experiments  # noqa: E402
from ccml_resources.lake import documents, tables  # noqa: E402
from ccml_resources.platform import Platform  # noqa: E402

assets = [
    landing.files,
    *raw.raw_tables,
    clean.clean_tables,
    *features.feature_tables,
    *datasets.shared_datasets,
    *model_assets.all_model_assets,
    *monitoring.all_monitoring,
]

reported_on = [landing.landed_days, monitoring.retrain_decision]

checks = [
    *landing_checks.landing_checks,
    *raw.raw_checks,
    *clean.clean_checks,
    *model_assets.model_checks,
    *monitoring_checks.monitoring_checks,
]


def definitions_of(home: Home) -> dg.Definitions:
    return dg.Definitions(
        assets=[*with_policies(assets, loaded_profile(home)), *map(reported, reported_on)],
        asset_checks=checks,
        jobs=jobs.all_jobs,
        schedules=schedules.all_schedules,
        sensors=sensors.all_sensors,
        resources={
            "io_manager": tables(home),
            "documents": documents(home),
            "platform": Platform(root=str(home.root)),
            "experiments": experiments(home),
        },
        # Heavy packages take seconds to load; with a process a step each asset would pay for them again.
        executor=marked_executor,
    )


defs = definitions_of(Home.from_environment())
