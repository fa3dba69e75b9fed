"""What people come to do: goals as usual orders of tasks, and how a session walks through one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ccml_simulator.tasks import Project, Task
from ccml_simulator.tasks_changing import CHANGING
from ccml_simulator.tasks_looking import LOOKING
from ccml_simulator.tasks_machine import MACHINE
from ccml_simulator.tasks_project import PROJECT

TASKS: dict[str, Task] = {task.name: task for task in (*LOOKING, *CHANGING, *MACHINE, *PROJECT)}

CODE: tuple[Project, ...] = ("python", "node", "rust")


@dataclass(frozen=True)
class Goal:
    name: str
    steps: tuple[str, ...]
    """The usual order; it begins again at the end."""
    places: tuple[Project, ...]
    roles: tuple[str, ...]


GOALS: tuple[Goal, ...] = (
    Goal(
        "fix_bug",
        (
            "git_pull",
            "search_code",
            "show_file",
            "open_editor",
            "test_one",
            "open_editor",
            "test_all",
            "git_diff",
            "git_add",
            "git_commit",
            "git_push",
        ),
        CODE,
        ("developer", "analyst"),
    ),
    Goal(
        "feature",
        (
            "git_status",
            "git_branch",
            "open_editor",
            "run_script",
            "open_editor",
            "test_all",
            "lint",
            "git_add",
            "git_commit",
            "git_push",
        ),
        CODE,
        ("developer",),
    ),
    Goal(
        "review",
        ("git_pull", "git_log", "git_diff", "show_file", "search_code", "test_all", "run_script"),
        CODE,
        ("developer", "operator"),
    ),
    Goal(
        "set_up",
        (
            "download",
            "unpack",
            "list_folder",
            "install_all",
            "add_package",
            "run_script",
            "test_all",
            "manual",
            "what_is_tool",
        ),
        (*CODE, "home"),
        ("developer", "analyst"),
    ),
    Goal(
        "release",
        ("git_status", "test_all", "build", "pack", "sync_folder", "remote_shell", "start_stack", "list_containers"),
        (*CODE, "server"),
        ("developer", "operator"),
    ),
    Goal(
        "analysis",
        (
            "list_folder",
            "show_top",
            "count_lines",
            "show_json",
            "open_editor",
            "run_script",
            "count_matches",
            "copy_file",
            "compare_files",
        ),
        ("python", "home"),
        ("analyst", "writer"),
    ),
    Goal(
        "disk_full",
        ("disk_free", "folder_sizes", "find_big", "pack", "delete_file", "delete_folder", "disk_free"),
        ("server", "home", "node"),
        ("operator", "writer", "developer"),
    ),
    Goal(
        "slow_machine",
        ("load", "memory", "list_processes", "stop_process", "load", "service_status", "restart_service"),
        ("server", "python", "home"),
        ("operator", "analyst"),
    ),
    Goal(
        "outage",
        (
            "service_status",
            "service_logs",
            "search_log",
            "open_ports",
            "call_api",
            "restart_service",
            "follow_log",
            "call_api",
        ),
        ("server",),
        ("operator",),
    ),
    Goal(
        "containers",
        (
            "list_containers",
            "container_logs",
            "open_editor",
            "clean_containers",
            "start_stack",
            "list_containers",
            "call_api",
        ),
        ("server", "python", "node"),
        ("operator", "developer"),
    ),
    Goal(
        "access",
        ("list_folder", "make_executable", "run_script", "change_owner", "open_editor", "follow_log"),
        ("server", "home"),
        ("operator", "writer"),
    ),
    Goal(
        "tidy_up",
        (
            "list_folder",
            "find_recent",
            "find_by_name",
            "make_folder",
            "move_file",
            "copy_file",
            "delete_file",
            "pack",
            "list_archive",
        ),
        ("home", "server"),
        ("writer", "analyst"),
    ),
    Goal(
        "writing",
        (
            "list_folder",
            "open_editor",
            "replace_text",
            "append_line",
            "count_lines",
            "compare_files",
            "git_add",
            "git_commit",
        ),
        ("home", "python"),
        ("writer", "analyst"),
    ),
    Goal(
        "check_network",
        ("reach_host", "call_api", "open_ports", "remote_shell", "machine_info", "load"),
        ("server", "home", "node"),
        ("operator", "developer"),
    ),
    Goal(
        "update",
        ("outdated", "install_all", "test_all", "git_undo", "add_package", "build", "git_add", "git_commit"),
        CODE,
        ("developer",),
    ),
)

ROLES = ("developer", "operator", "analyst", "writer")

AFTER_FAILURE: dict[str, tuple[str, ...]] = {
    "run_tests": ("open_editor", "test_one", "show_file", "test_all"),
    "build": ("open_editor", "install_all", "build"),
    "run_program": ("open_editor", "add_package", "make_executable", "run_script"),
    "packages": ("install_all", "call_api", "what_is_tool"),
    "network": ("reach_host", "open_ports", "service_status"),
    "services": ("service_logs", "search_log", "service_status"),
    "containers": ("container_logs", "list_containers", "start_stack"),
    "find_files": ("list_folder", "find_by_name"),
    "search_text": ("search_code", "find_by_name"),
    "inspect_file": ("list_folder", "find_by_name"),
    "version_control": ("git_status", "git_pull"),
}


class Walk:
    """One session's way through one goal: mostly the next step, sometimes a repeat, a skip or something else."""

    def __init__(self, goal: Goal, steadiness: float, rng: np.random.Generator) -> None:
        self._goal = goal
        self._steadiness = steadiness
        self._at = -1 if rng.random() < 0.75 else int(rng.integers(0, len(goal.steps)))

    def next_task(self, previous: Task | None, previous_succeeded: bool | None, rng: np.random.Generator) -> Task:
        steps = self._goal.steps
        if previous is not None and previous_succeeded is False and rng.random() < 0.4:
            follow = AFTER_FAILURE.get(previous.intent, (previous.name,))
            return TASKS[follow[int(len(follow) * rng.random() ** 1.6)]]
        draw = rng.random()
        if draw < self._steadiness:
            self._at += 1
        elif draw < self._steadiness + 0.03 and previous is not None:
            return previous
        elif draw < self._steadiness + 0.08:
            self._at += 2
        else:
            return _ALL_TASKS[int(rng.integers(0, len(_ALL_TASKS)))]
        return TASKS[steps[self._at % len(steps)]]

    def other_tasks(self, task: Task) -> tuple[Task, ...]:
        """The goal's tasks of another intent that can be put as an order."""
        others = [TASKS[step] for step in dict.fromkeys(self._goal.steps)]
        return tuple(other for other in others if other.intent != task.intent and other.orders) or _ORDERS


_ALL_TASKS = tuple(TASKS.values())
_ORDERS = tuple(task for task in _ALL_TASKS if task.orders)
