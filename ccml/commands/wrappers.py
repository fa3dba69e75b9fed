"""Programs that run another command: `sudo rm x`, `timeout 10 make`, `docker exec web ls`, `kubectl exec pod -- ls`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Wrapper:
    operands: int
    """Plain words between the wrapper and its command: `timeout 10 ls` has one."""
    values: frozenset[str]
    """Options that take a value: the command begins after it."""


def _table(rows: str) -> dict[str, Wrapper]:
    """`names | operands options…`; a row goes on in the lines that begin with blanks."""
    table = {}
    for row in re.split(r"\n(?! )", rows.strip()):
        name, _, rest = row.partition("|")
        operands, *values = rest.split()
        for each in name.split(","):
            table[" ".join(each.split())] = Wrapper(int(operands), frozenset(values))
    return table


# Those that a template shows before the program that they run.
WRAPPERS: Final = _table("""
sudo                       |0 -u --user -g --group -h --host -p --prompt -C -r -t -U -D -R -T
doas                       |0 -u -C
pkexec                     |0 --user
run0                       |0 -u --user -g --group -D --chdir --setenv --unit --property
env                        |0 -u --unset -C --chdir
time                       |0 -f -o --format --output
nohup                      |0
nice                       |0 -n --adjustment
ionice                     |0 -c -n -p --class --classdata
chrt                       |1 -T -P -D
taskset                    |1 -c
timeout, gtimeout          |1 -k -s --kill-after --signal
stdbuf                     |0 -i -o -e
xargs, gxargs              |0 -I -n -P -L -d -s -a -E --max-args --max-procs --delimiter --replace --arg-file
    --max-lines
parallel                   |0 -j --jobs -I -n -a --arg-file --colsep -N -S --sshlogin --results --tmpdir --timeout
watch                      |0 -n --interval
exec                       |0 -a
command                    |0
builtin                    |0
setsid                     |0
caffeinate                 |0 -t -w
proxychains, proxychains4  |0 -f
torsocks, torify           |0
strace, ltrace             |0 -e -o -p -s -u -E -P -I -O -S -a
unbuffer                   |0
busybox, toybox            |0
chroot                     |1
flock                      |1 -w --timeout -E --conflict-exit-code
systemd-run                |0 -u --unit -p --property -E --setenv --uid --gid --slice --working-directory -M
    --machine -H --host --on-calendar --on-active --on-boot --description --nice
systemd-inhibit            |0
unshare                    |0 --wd -w --root -R -S -G --setuid --setgid
nsenter                    |0 -t --target -S -G -r -w
""")  # fmt: skip

# Those that are themselves the program of their line. Keys of two and three words are a program and its sub-command.
CARRIERS: Final = _table("""
gosu, su-exec, faketime, softlimit        |1
chpst, setuidgid                          |1 -u -U -e -b
setpriv, capsh                            |0 --reuid --regid --groups
fakeroot, eatmydata, rlwrap, xvfb-run     |0 -a -n --server-num -s --server-args -l -i
firejail, bwrap, proot                    |0 -r -b -w --bind --ro-bind --dev --proc
cpulimit                                  |0 -l --limit -p -e
sshpass                                   |0 -p -f -d -P
numactl                                   |0 -N -m -C
valgrind, perf stat, perf record          |0 -e -o -F -g
gdb                                       |0 -ex -x
dbus-run-session, dbus-launch, ssh-agent  |0
entr, watchexec, nodemon                  |0 -e --exts -w --watch -i --ignore -x --exec -d
npx, bunx, pnpx, pnpm exec, pnpm dlx, yarn exec, yarn dlx, npm exec, npm x, bun x |0 -p --package -c --call --prefix
    -w
shx                                       |0
poetry run, pipenv run, pdm run, rye run, hatch run, uv run, uvx, uv tool run, pixi run |0 --with --python -p
    --extra --group --env-file --directory --project --from -m
conda run, mamba run, micromamba run      |0 -n --name -p --prefix --cwd
bundle exec, rbenv exec, pyenv exec, asdf exec, mise exec, nvm exec, volta run, fnm exec |0 --using --gemfile
direnv exec, aws-vault exec, chamber exec |1
dotenv run, dotenv, doppler run, op run, infisical run, sops exec-env |0 -f -e --env-file -p -c --project --config
    --env
docker exec, podman exec, nerdctl exec, docker container exec, podman container exec |1 -e --env -u --user -w
    --workdir --env-file --detach-keys
docker run, podman run, nerdctl run, docker container run, docker create |1 -e --env -u --user -w --workdir
    --env-file -v --volume -p --publish --name --network --net --mount -m --memory --cpus --entrypoint -h --hostname
    -l --label --add-host --device --restart --platform --link --log-driver --log-opt --pull --gpus --shm-size
    --ulimit --tmpfs --cap-add --cap-drop --security-opt --ip --dns
docker compose exec, docker compose run, docker-compose exec, docker-compose run, podman-compose exec |1 -e --env -u
    --user -w --workdir --index -v --volume -p --publish --name --entrypoint
kubectl exec, oc exec, kubectl run, oc rsh, kubectl debug |1 -n --namespace -c --container --context --kubeconfig
    --image --restart --overrides -l --labels
lxc exec, incus exec, multipass exec, limactl shell, toolbox run, distrobox enter, machinectl shell, schroot |1 -c
    --container -n --name --user --cwd --env
dokku run                                 |1
flatpak-spawn, wsl, wsl.exe               |0 -d --distribution -u --user --cd
heroku run, railway run, fly console, eb ssh |0 -a --app -s --size --service
nix develop, nix shell                    |0 -f
git bisect run                            |0
ip netns exec                             |1
screen                                    |0 -S -dmS -c -p -h -t -T
tmux new-session, tmux new, tmux new-window, tmux neww, tmux split-window, tmux splitw, tmux respawn-pane, tmux
    run-shell, tmux run |0 -s -n -c -t -x -y -e -F -l -p
xterm, gnome-terminal, konsole, alacritty, kitty, foot |0 -T -title --title -e
runuser, setarch, linux32, linux64        |0 -u --user -g -G
salt                                      |2 -t
""")  # fmt: skip

# The rest of their line is one text that a shell reads: the quotes are undone a second time.
TEXT_CARRIERS: Final = _table("""
ssh, mosh, autossh, sshpass ssh |1 -b -c -D -E -e -F -I -i -J -L -l -m -M -O -o -p -Q -R -S -W -w -B
pssh, parallel-ssh, pdsh, clush, dsh, mussh |0 -h -H -l -p -t -o -e -w -g -x -m -c -O -a -R
eval                   |0
watch                  |0 -n --interval
adb shell              |0 -s
hyperfine, concurrently, nodemon |0 -n -w --warmup -m -r -p -c --names
git submodule foreach  |0
""")  # fmt: skip

_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_TAKE_ASSIGNMENTS: Final = frozenset({"env", "sudo", "doas", "run0"})


def base_name(program: str) -> str:
    """`/usr/bin/rm` → `rm`; a leading backslash, which only turns an alias off, is removed too."""
    return program.rpartition("/")[2].lstrip("\\")


def wrapped_at(words: Sequence[str]) -> int:
    """Where the wrapped command begins; 0 without a wrapper, `len(words)` where a wrapper wraps nothing."""
    at = 0
    while at < len(words) and base_name(words[at]) in WRAPPERS:
        name = base_name(words[at])
        at = command_at(words, at + 1, WRAPPERS[name], name)
    return at


def _takes_next(option: str, values: frozenset[str]) -> bool:
    """Is the option's value the next word? In a cluster (`-iu`) only the last letter's can be."""
    if option in values or option.startswith("--") or len(option) > 6:
        return option in values
    return next((at == len(option) - 1 for at in range(1, len(option)) if f"-{option[at]}" in values), False)


def command_at(words: Sequence[str], at: int, wrapper: Wrapper, name: str = "") -> int:
    """Where the command begins in the words that follow a wrapper."""
    operands = wrapper.operands
    while at < len(words):
        word = words[at]
        if name == "env" and word.startswith(("-S", "--split-string")):
            return len(words)  # the command is the option's value, and is read as a text
        if word == "--":
            return at + 1
        if word.startswith("-") and len(word) > 1:
            at += 2 if _takes_next(word, wrapper.values) else 1
        elif name in _TAKE_ASSIGNMENTS and _ASSIGNMENT.fullmatch(word):
            at += 1
        elif operands:
            operands -= 1
            at += 1
        else:
            return at
    return len(words)
