"""A SLURM of one node on this machine, for tests: real slurmctld, slurmd and munged, started and stopped as root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

CONFIGURATION = Path("/etc/slurm")  # the job step plugin drops SLURM_CONF, so no other place works
PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "sinfo", "scontrol")


DAEMONS = """
munged --force --foreground --key-file="$1/munge/munge.key" --log-file="$1/munge/munged.log" \\
    --pid-file="$1/munge/munged.pid" --seed-file="$1/munge/munged.seed" & munged=$!
sleep 0.5
slurmctld -D -c & slurmctld=$!
slurmd -D & slurmd=$!
cat >/dev/null
scancel --user=root
for _ in 1 2 3 4 5 6 7 8 9 10; do [ -z "$(squeue --noheader)" ] && break; sleep 0.5; done
kill $slurmd $slurmctld $munged
wait
rm -f "$2/slurm.conf" "$2/gres.conf"
"""
"""Starts SLURM, and ends it when standard input closes: also when the tests are killed. A configuration without its
slurmctld would make every later start of Snakemake wait ten seconds for an answer."""


class Cluster(NamedTuple):
    """The running SLURM."""

    environment: dict[str, str]

    def __call__(self, *command: str) -> str:
        """Run a SLURM command; its output."""
        return subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True).stdout

    def jobs(self) -> list[dict[str, str]]:
        """SLURM's own record: the fields of every job since the start, ended ones included, oldest first."""
        lines = self("scontrol", "show", "jobs", "--details", "--oneliner").splitlines()
        jobs = [dict(re.findall(r"(\w+)=(\S*)", line)) for line in lines if line.startswith("JobId=")]
        return sorted(jobs, key=lambda job: int(job["JobId"]))


def reason_to_skip() -> str | None:
    """Why no SLURM can be started here, if so."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]
    if missing:
        return f"SLURM is not installed ({', '.join(missing)} missing): apt-get install slurm-wlm munge"
    if os.geteuid() != 0:
        return "starting a SLURM of its own takes root"
    if (CONFIGURATION / "slurm.conf").exists() and "igsed test" not in (CONFIGURATION / "slurm.conf").read_text():
        return f"{CONFIGURATION}/slurm.conf belongs to another cluster"
    return None


@contextmanager
def slurm(folder: Path, cpus: int, gpus: int = 1, memory: int = 16000) -> Iterator[Cluster]:
    """Start SLURM with `cpus` cores and `gpus` GPUs, both pretended; stop it when the context ends."""
    if reason := reason_to_skip():
        if os.environ.get("IGSED_SLURM") == "required":
            raise RuntimeError(reason)  # continuous integration must not pass by skipping
        pytest.skip(reason)
    host = subprocess.run(["hostname", "-s"], capture_output=True, text=True, check=True).stdout.strip()
    for part in ("state", "spool", "munge", "log"):
        (folder / part).mkdir(parents=True)
    (folder / "munge").chmod(0o755)
    key = folder / "munge" / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    CONFIGURATION.mkdir(exist_ok=True)
    device = "/dev/null" if gpus == 1 else f"/dev/tty[0-{gpus - 1}]"
    (CONFIGURATION / "gres.conf").write_text(f"Name=gpu File={device}\n" if gpus else "")
    (CONFIGURATION / "slurm.conf").write_text(f"""# igsed test
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
SwitchType=switch/none
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
MinJobAge=3600
KillWait=5
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
AccountingStorageType=accounting_storage/none
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} {f"Gres=gpu:{gpus}" if gpus else ""} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
""")
    environment = os.environ | {"PATH": _path()}
    Path("/run/munge").mkdir(mode=0o755, exist_ok=True)
    with (folder / "log" / "daemons.out").open("wb") as log:
        daemons = subprocess.Popen(
            ["sh", "-c", DAEMONS, "sh", folder, CONFIGURATION],
            env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        _wait_until_idle(folder, environment)
        yield Cluster(environment)
    finally:
        daemons.communicate(timeout=60)


def _wait_until_idle(folder: Path, environment: dict[str, str], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done = subprocess.run(["sinfo", "-h", "-o", "%T"], env=environment, capture_output=True, text=True)
        if done.stdout.split() == ["idle"]:
            return
        time.sleep(0.2)
    logs = "\n".join(path.read_text(errors="replace")[-1500:] for path in sorted((folder / "log").iterdir()))
    raise RuntimeError(
        f"SLURM is not ready after {seconds:.0f} s ({done.stdout.strip()} {done.stderr.strip()})\n{logs}"
    )


def _path() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
