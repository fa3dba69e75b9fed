"""Tasks that change files: editing, moving, deleting, packing, permissions."""

from __future__ import annotations

from ccml_simulator.tasks import Task, Variant

CHANGING: tuple[Task, ...] = (
    Task(
        "open_editor",
        "edit_file",
        (
            "<open> {file}",
            "i want to <change> {file}",
            "let me <change> {file}",
            "<open> {file} in my editor",
            "<change> something in {file}",
            "fix the bug in {file}",
        ),
        (
            Variant("vim {file}", 3, habit="vim"),
            Variant("nano {file}", 3, habit="nano"),
            Variant("code {file}", 3, habit="code"),
            Variant("nvim {file}", 3, habit="nvim"),
        ),
        reliability=0.97,
    ),
    Task(
        "replace_text",
        "edit_file",
        (
            "replace {word} with {new_word} in {file}",
            "<change> {word} to {new_word} in {file}",
            "swap {word} for {new_word} everywhere in {file}",
            "{word} should be {new_word} in {file}",
        ),
        (
            Variant("sed -i s/{word}/{new_word}/g {file}", 3, "classic"),
            Variant("perl -pi -e s/{word}/{new_word}/g {file}", 3, "modern"),
        ),
        reliability=0.9,
    ),
    Task(
        "append_line",
        "edit_file",
        (
            "add {word} to {file}",
            "append {word} to {file}",
            "put {word} at the end of {file}",
            "tack {word} onto {file}",
        ),
        (Variant("echo {word} >> {file}"),),
        vague=False,
    ),
    Task(
        "copy_file",
        "move_or_copy",
        (
            "<copy> {file} to {folder}",
            "<copy> {file}",
            "i need another copy of {file} in {folder}",
            "<copy> {folder} to {target_folder}",
        ),
        (
            Variant("cp {file} {folder}", 2),
            Variant("cp -r {folder} {target_folder}", 1),
            Variant("cp {file} {file}.bak", 0.8),
        ),
    ),
    Task(
        "move_file",
        "move_or_copy",
        (
            "<move> {file} into {folder}",
            "<move> {file} to {folder}",
            "rename {file} to {other}",
            "{file} belongs in {folder}",
        ),
        (Variant("mv {file} {folder}", 2),),
    ),
    Task(
        "make_folder",
        "move_or_copy",
        (
            "<create> a folder called {target_folder}",
            "<create> a directory {target_folder}",
            "i need a new folder {target_folder}",
        ),
        (Variant("mkdir -p {target_folder}", 2),),
        reliability=0.97,
        vague=False,
    ),
    Task(
        "sync_folder",
        "move_or_copy",
        (
            "sync {folder} to {host}",
            "<copy> {folder} over to {host}",
            "mirror {folder} on {host}",
            "send {folder} to {host}",
        ),
        (Variant("rsync -av {folder} {host}:/srv/data", 3),),
        cost="heavy",
        reliability=0.84,
        vague=False,
    ),
    Task(
        "delete_file",
        "delete",
        (
            "<delete> {file}",
            "{file} can go",
            "<delete> the old {file}",
            "i do not need {file} any more",
            "<delete> {log}",
        ),
        (
            Variant("rm {file}", 2),
            Variant("trash {file}", 2, "modern"),
        ),
    ),
    Task(
        "delete_folder",
        "delete",
        (
            "<delete> the {folder} folder",
            "<delete> {folder} and everything in it",
            "<delete> the build output",
            "free some space, <delete> the caches",
            "<delete> the temporary files",
        ),
        (
            Variant("rm -rf {folder}", 2),
            Variant("rm -r {folder}", 0.8),
        ),
        cost="medium",
        reliability=0.92,
    ),
    Task(
        "pack",
        "archive",
        (
            "<compress> {folder}",
            "<compress> {folder} into {archive}",
            "make {archive} from {folder}",
            "<compress> the logs",
            "put {folder} into one file i can send",
        ),
        (Variant("tar -czf {archive} {folder}", 3, habit="tar"), Variant("zip -r {zip} {folder}", 3, habit="zip")),
        cost="heavy",
        reliability=0.92,
    ),
    Task(
        "unpack",
        "archive",
        ("<extract> {archive}", "<extract> the download", "<extract> {archive} here", "get <files> out of {archive}"),
        (Variant("tar -xzf {archive}", 3, habit="tar"), Variant("unzip {zip}", 3, habit="zip")),
        cost="medium",
        reliability=0.88,
    ),
    Task(
        "list_archive",
        "archive",
        ("what is inside {archive}", "<show> the contents of {archive}", "peek into {archive} without unpacking"),
        (Variant("tar -tzf {archive}", 3, habit="tar"), Variant("unzip -l {zip}", 3, habit="zip")),
        vague=False,
    ),
    Task(
        "make_executable",
        "permissions",
        (
            "make {script} executable",
            "<allow> {script} to run",
            "i get permission denied on {script}",
            "give {script} execute rights",
            "let me run {script} directly",
        ),
        (Variant("chmod +x {script}", 3),),
    ),
    Task(
        "change_owner",
        "permissions",
        (
            "give {folder} to {account}",
            "{account} should own {folder}",
            "<allow> {account} to write in {folder}",
            "fix the ownership of {folder}",
        ),
        (Variant("sudo chown -R {account} {folder}", 3),),
        reliability=0.85,
    ),
)
