"""How every run of the platform executes its steps: in one process that marks the run as at work, and that sleeps while
a step waits for its pool.

Dagster's own executor does not sleep there: it computes the time to the next look at the pool as zero and asks again at
once, on a full core. Nor does it see that the run which holds the pool has died, unless a daemon is at work.
"""

import os
import time
from collections.abc import Iterator

import dagster as dg
from dagster._core.events import EngineEventData
from dagster._core.execution.api import ExecuteRunWithPlanIterable
from dagster._core.execution.context.system import PlanExecutionContext, PlanOrchestrationContext
from dagster._core.execution.context_creation_job import PlanExecutionContextManager
from dagster._core.execution.plan.execute_plan import inner_plan_execution_iterator
from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.in_process import InProcessExecutor
from dagster._core.executor.init import InitExecutorContext

from ccml_assets.at_work import at_work, end_orphans


class _Pools(InstanceConcurrencyContext):
    def claim(self, concurrency_key: str, step_key: str, step_priority: int = 0) -> bool:
        if step_key in self._pending_claims and time.time() > self._pending_timeouts[step_key]:
            end_orphans(self._instance)  # the run that held the pool may have died since
        return super().claim(concurrency_key, step_key, step_priority)

    def interval_to_next_pending_claim_check(self) -> float:
        times = [self._pending_timeouts[step] for step in self._pending_claims]
        return max(0.0, min(times) - time.time()) if times else 0.0


def _steps(job_context: PlanExecutionContext, execution_plan: ExecutionPlan) -> Iterator[dg.DagsterEvent]:
    with _Pools(job_context.instance, job_context.dagster_run) as pools:
        yield from inner_plan_execution_iterator(job_context, execution_plan, pools)


class _MarkedExecutor(InProcessExecutor):
    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[dg.DagsterEvent]:
        with at_work(plan_context.instance, plan_context.run_id):
            yield dg.DagsterEvent.engine_event(
                plan_context,
                f"Executing steps in process (pid: {os.getpid()})",
                event_specific_data=EngineEventData.in_process(os.getpid(), execution_plan.step_keys_to_execute),
            )
            manager = PlanExecutionContextManager(
                job=plan_context.job,
                retry_mode=plan_context.retry_mode,
                execution_plan=plan_context.execution_plan,
                run_config=plan_context.run_config,
                dagster_run=plan_context.dagster_run,
                instance=plan_context.instance,
                raise_on_error=plan_context.raise_on_error,
                output_capture=plan_context.output_capture,
                step_dependency_config=self.step_dependency_config,
            )
            yield from iter(ExecuteRunWithPlanIterable(plan_context.execution_plan, _steps, manager))


@dg.executor(name="in_process")
def marked_executor(_: InitExecutorContext) -> InProcessExecutor:
    """Executes the steps in one process, which holds the run's lock meanwhile."""
    return _MarkedExecutor(RetryMode.ENABLED)
