"""Where work happens: projects and folders with their own files, and the things a request can name there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ccml_simulator.tasks import Project

_FILES: dict[Project, tuple[str, ...]] = {
    "python": (
        "app.py",
        "main.py",
        "models.py",
        "settings.py",
        "api/routes.py",
        "search_index.py",
        "network.py",
        "disk_report.py",
        "delete_user.py",
        "build_docs.py",
        "README.md",
        "pyproject.toml",
        "requirements.txt",
        "config.yaml",
        "docker-compose.yml",
    ),
    "node": (
        "src/index.js",
        "src/app.tsx",
        "src/routes.ts",
        "src/search.ts",
        "src/permissions.ts",
        "src/processes.js",
        "package.json",
        "README.md",
        "Dockerfile",
        "install.md",
        "webpack.config.js",
        ".env.example",
        "src/upload.ts",
        "src/archive.ts",
    ),
    "rust": (
        "src/main.rs",
        "src/lib.rs",
        "src/parser.rs",
        "src/network.rs",
        "src/commit.rs",
        "src/delete.rs",
        "Cargo.toml",
        "README.md",
        "benches/speed.rs",
        "build.rs",
        "src/archive.rs",
        "src/process.rs",
    ),
    "server": (
        "nginx.conf",
        "hosts",
        "sshd_config",
        "crontab",
        "backup.conf",
        "docker-compose.yml",
        "inventory.ini",
        "playbook.yml",
        "services.yml",
        "network.yaml",
        "fstab",
        "packages.list",
    ),
    "home": (
        "notes.md",
        "todo.txt",
        "thesis.tex",
        "budget.csv",
        "photos.txt",
        ".bashrc",
        "letter.odt",
        "recipes.md",
        "archive.txt",
        "tests.md",
        "install-notes.txt",
        "contacts.csv",
    ),
}
_SCRIPTS: dict[Project, tuple[str, ...]] = {
    "python": ("app.py", "main.py", "train.py", "seed_db.py", "report.py"),
    "node": ("server.js", "worker.js", "index.js", "migrate.js"),
    "rust": ("install.sh", "bench.sh", "release.sh"),
    "server": ("backup.sh", "rotate.sh", "deploy.sh", "health.sh", "install.sh"),
    "home": ("backup.sh", "rename.sh", "convert.sh", "update.sh"),
}
_TESTS: dict[Project, tuple[str, ...]] = {
    "python": ("tests/test_models.py", "tests/test_api.py", "tests/test_network.py", "tests/test_search.py"),
    "node": ("tests/app.test.ts", "tests/routes.test.ts", "tests/upload.test.ts"),
    "rust": ("tests/parser.rs", "tests/cli.rs"),
    "server": ("tests/deploy.bats", "tests/backup.bats"),
    "home": ("tests/notes.sh",),
}
_EXTENSIONS: dict[Project, tuple[str, ...]] = {
    "python": ("*.py", "*.toml", "*.csv", "*.log"),
    "node": ("*.ts", "*.js", "*.json", "*.css"),
    "rust": ("*.rs", "*.toml", "*.md"),
    "server": ("*.conf", "*.log", "*.yml", "*.service"),
    "home": ("*.txt", "*.pdf", "*.jpg", "*.md"),
}
_PACKAGES: dict[Project, tuple[str, ...]] = {
    "python": ("requests", "numpy", "pandas", "httpx", "rich", "sqlalchemy", "pydantic"),
    "node": ("express", "lodash", "axios", "zod", "vite", "eslint"),
    "rust": ("serde", "tokio", "clap", "rand", "anyhow"),
    "server": ("htop", "nginx", "jq", "rsync"),
    "home": ("ffmpeg", "pandoc", "tree", "jq"),
}
_FOLDERS: dict[Project, tuple[str, ...]] = {
    "python": ("src/", "tests/", "data/", "docs/", "build/", "."),
    "node": ("src/", "public/", "tests/", "dist/", "node_modules/", "."),
    "rust": ("src/", "target/", "benches/", "examples/", "."),
    "server": ("/var/log", "/srv/data", "/etc/nginx", "/opt/app", "/opt/data", "."),
    "home": ("Documents/", "Downloads/", "Pictures/", "backup/", "projects/", "."),
}

COMMON: dict[str, tuple[str, ...]] = {
    "n": ("3", "5", "7", "10", "20", "50", "100"),
    "size": ("10", "50", "100", "200", "500"),
    "pattern": (
        "timeout",
        "error",
        "TODO",
        "connect",
        "user_id",
        "install",
        "commit",
        "delete_user",
        "parse",
        "permission denied",
        "session",
        "docker",
        "retry",
        "build failed",
        "archive",
    ),
    "word": ("foo", "localhost", "debug", "v1", "http", "staging", "oldname"),
    "new_word": ("bar", "127.0.0.1", "info", "v2", "https", "production", "newname"),
    "target_folder": ("backup/", "reports/", "old/", "release/", "tmp_data/", "logs_copy/"),
    "log": ("app.log", "error.log", "/var/log/syslog", "access.log", "build.log", "install.log"),
    "json": ("package.json", "config.json", "report.json", "response.json"),
    "archive": ("backup.tar.gz", "release.tar.gz", "data.tar.gz", "logs.tar.gz"),
    "url": (
        "http://localhost:8000/health",
        "https://api.example.com/v1/users",
        "https://example.org/data.csv",
        "http://localhost:3000",
        "https://files.example.net/build.zip",
    ),
    "host": ("10.0.0.12", "10.0.0.7", "192.168.1.20", "192.168.1.1", "10.0.3.44"),
    "port": ("8000", "3000", "5432", "443", "8080"),
    "process": ("python", "node", "postgres", "java", "chrome", "pytest", "webpack"),
    "pid": ("4312", "981", "20144", "733", "15002"),
    "branch": ("fix-login", "add-search", "docs-update", "speed-up-tests", "release-2"),
    "message": (
        "fix typo",
        "add search",
        "update docs",
        "handle timeout",
        "remove dead code",
        "bump version",
        "make tests faster",
    ),
    "container": ("web", "db", "redis", "worker", "api"),
    "manifest": ("deploy.yaml", "service.yaml"),
    "service": ("nginx", "postgresql", "ssh", "cron", "redis"),
    "account": ("www-data", "deploy", "postgres", "backup"),
    "target": ("install", "clean", "docs", "release"),
    "tool": ("tar", "rsync", "awk", "git", "docker", "find", "jq", "ssh", "curl"),
}


@dataclass(frozen=True)
class Place:
    """A working directory and what can be named there."""

    kind: Project
    directory: str
    things: dict[str, tuple[str, ...]]


def make_place(kind: Project, home: str, index: int, rng: np.random.Generator) -> Place:
    """A place of `kind` whose files are some of those that such places have, so that two projects differ."""

    def some(pool: tuple[str, ...], at_least: int) -> tuple[str, ...]:
        count = min(len(pool), at_least + int(rng.integers(0, 3)))
        return tuple(pool[i] for i in sorted(rng.permutation(len(pool))[:count]))

    names = ("orders", "atlas", "billing", "lighthouse", "crawler", "shop", "metrics", "compass", "ledger", "portal")
    name = names[(index * 3 + int(rng.integers(0, len(names)))) % len(names)]
    folders: dict[Project, str] = {
        "python": f"{home}/projects/{name}-py",
        "node": f"{home}/projects/{name}-web",
        "rust": f"{home}/projects/{name}-rs",
        "server": ("/etc/nginx", "/var/log", "/srv/app", "/opt/app")[index % 4],
        "home": (home, f"{home}/Documents", f"{home}/Downloads")[index % 3],
    }
    files = some(_FILES[kind], 6)
    things = {
        "file": files,
        "other": files[::-1],
        "script": some(_SCRIPTS[kind], 2),
        "test": _TESTS[kind],
        "name": tuple(test.rsplit("/", 1)[-1].split(".")[0].removeprefix("test_") for test in _TESTS[kind]),
        "glob": _EXTENSIONS[kind],
        "package": _PACKAGES[kind],
        "folder": _FOLDERS[kind],
    }
    return Place(kind, folders[kind], {**COMMON, **things})
