"""Tasks that look at files: finding them, searching them, reading them, and what they weigh on the disk."""

from __future__ import annotations

from ccml_simulator.tasks import Task, Variant

LOOKING: tuple[Task, ...] = (
    Task(
        "find_by_name",
        "find_files",
        (
            "<find> all the {glob}",
            "<find> {file}",
            "<where> {file}",
            "which folder has {file} in it",
            "<find> every {glob} under {folder}",
            "i lost {file}, <find> it",
            "are there any {glob} around",
        ),
        (
            Variant("find {folder} -name {glob}", 3, "classic"),
            Variant("fd -g {glob} {folder}", 3, "modern"),
            Variant("locate {file}", 0.6, "classic", project=("server", "home")),
        ),
    ),
    Task(
        "find_recent",
        "find_files",
        (
            "which files changed in the last {n} days",
            "<find> what was modified <lately>",
            "<find> the newest files",
            "what did i touch <lately>",
            "<find> files from the past {n} days",
        ),
        (
            Variant("find . -mtime -{n}", 3, "classic"),
            Variant("fd --changed-within {n}d", 3, "modern"),
        ),
    ),
    Task(
        "find_big",
        "find_files",
        (
            "<find> the <big> files",
            "<find> files over {size} megabytes",
            "which files are the <big>",
            "<find> anything larger than {size}M in {folder}",
            "<find> the <big> log files",
        ),
        (
            Variant("find {folder} -type f -size +{size}M", 3, "classic"),
            Variant("fd -S +{size}m", 3, "modern"),
        ),
        cost="medium",
    ),
    Task(
        "list_folder",
        "inspect_file",
        (
            "<show> <files> in {folder}",
            "what is in {folder}",
            "what's in this directory",
            "<show> everything here",
            "<show> the folder",
            "<show> the hidden files too",
        ),
        (
            Variant("ls -la {folder}", 2, "classic"),
            Variant("ls", 0.5, "classic"),
            Variant("eza -la {folder}", 3, "modern"),
            Variant("ll", 6, "classic", habit="aliases"),
        ),
        reliability=0.98,
    ),
    Task(
        "search_code",
        "search_text",
        (
            "<search> {pattern} in the code",
            "<search> {pattern}",
            "where do we use {pattern}",
            "<search> {pattern} under {folder}",
            "who calls {pattern}",
            "which files mention {pattern}",
            "every occurrence of {pattern}",
        ),
        (
            Variant("grep -rn {pattern} {folder}", 3, "classic"),
            Variant("rg {pattern} {folder}", 3, "modern"),
        ),
        reliability=0.92,
    ),
    Task(
        "search_log",
        "search_text",
        (
            "<search> {pattern} in {log}",
            "any {pattern} in the log",
            "<search> errors in {log}",
            "does {log} say anything about {pattern}",
            "<show> the lines with {pattern} from {log}",
        ),
        (
            Variant("grep -i {pattern} {log}", 3, "classic"),
            Variant("rg -i {pattern} {log}", 3, "modern"),
        ),
        reliability=0.9,
    ),
    Task(
        "count_matches",
        "search_text",
        (
            "how often does {pattern} appear in {file}",
            "count {pattern} in {file}",
            "how many times is {pattern} mentioned",
            "number of hits for {pattern}",
        ),
        (Variant("grep -c {pattern} {file}", 3, "classic"), Variant("rg -c {pattern} {file}", 3, "modern")),
    ),
    Task(
        "show_file",
        "inspect_file",
        (
            "<show> {file}",
            "what does {file} say",
            "<show> the contents of {file}",
            "<read> {file}",
            "what's written in {file}",
        ),
        (
            Variant("cat {file}", 3, "classic"),
            Variant("bat {file}", 3, "modern"),
            Variant("less {file}", 0.5, "classic"),
        ),
    ),
    Task(
        "show_top",
        "inspect_file",
        (
            "<show> the first {n} lines of {file}",
            "<show> the top of {file}",
            "how does {file} begin",
            "the header of {file}",
        ),
        (Variant("head -n {n} {file}", 3), Variant("bat -r :{n} {file}", 1, "modern")),
    ),
    Task(
        "follow_log",
        "inspect_file",
        (
            "follow {log}",
            "<show> the end of {log}",
            "<show> the last {n} lines of {log}",
            "watch {log}",
            "keep an eye on {log}",
            "tail the log",
        ),
        (
            Variant("tail -f {log}", 2),
            Variant("tail -n {n} {log}", 2),
        ),
        reliability=0.9,
    ),
    Task(
        "count_lines",
        "inspect_file",
        ("how many lines does {file} have", "count the lines of {file}", "how long is {file}", "line count for {file}"),
        (Variant("wc -l {file}"),),
        vague=False,
    ),
    Task(
        "compare_files",
        "inspect_file",
        (
            "<compare> {file} and {other}",
            "what is different between {file} and {other}",
            "how does {file} differ from {other}",
        ),
        (
            Variant("diff {file} {other}", 3, "classic"),
            Variant("diff -u {file} {other}", 3, "modern"),
        ),
        vague=False,
    ),
    Task(
        "show_json",
        "inspect_file",
        ("pretty print {json}", "<show> {json} nicely", "format {json} so i can read it", "<read> the json in {json}"),
        (Variant("jq . {json}", 3),),
        vague=False,
    ),
    Task(
        "disk_free",
        "disk_usage",
        (
            "how much <space> is left",
            "is <disk> full",
            "<show> free <space>",
            "<check> <disk>",
            "are we running out of <space>",
            "how full is <disk>",
        ),
        (
            Variant("df -h", 3),
            Variant("df -h {folder}", 0.3),
            Variant("df -i", 1.5, when="disk"),
        ),
        reliability=0.99,
    ),
    Task(
        "folder_sizes",
        "disk_usage",
        (
            "how <heavy> is {folder}",
            "what takes up all the <space>",
            "what eats <disk>",
            "size of {folder}",
            "which directories are the <big>",
            "<space> used by {folder}",
        ),
        (
            Variant("du -sh {folder}", 3, "classic"),
            Variant("ncdu {folder}", 3, "modern"),
            Variant("du -h -d 1 | sort -h", 4, when="disk"),
        ),
        cost="medium",
    ),
)
