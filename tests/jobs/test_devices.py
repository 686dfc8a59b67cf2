"""Which GPU a job takes, and smaller batches where memory does not suffice."""

import subprocess
import sys

import pytest
import torch

from igsed.errors import InputError
from igsed.jobs import devices

CLAIM = """
import sys
from igsed.jobs import devices
print(devices.claim(sys.argv[2].split(","), sys.argv[1]), flush=True)
sys.stdin.read()
"""


def claiming(folder, gpus):
    """A process that claims a GPU and holds it until its standard input ends."""
    command = [sys.executable, "-c", CLAIM, folder, ",".join(gpus)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().strip()


def test_every_process_has_a_gpu_of_its_own_until_it_ends(tmp_path):
    gpus = ["GPU-a", "GPU-b"]
    first, one = claiming(tmp_path, gpus)
    second, two = claiming(tmp_path, gpus)
    assert [one, two] == gpus
    first.kill()
    first.wait()
    third, three = claiming(tmp_path, gpus)
    assert three == one
    for process in (second, third):
        process.communicate("")


def test_a_gpu_that_was_given_is_not_fought_for(tmp_path):
    """Schedulers may number every job's only GPU 0."""
    first, one = claiming(tmp_path, ["0"])
    second, two = claiming(tmp_path, ["0"])
    assert one == two == "0"
    for process in (first, second):
        process.communicate("")


def test_what_the_scheduler_shows_is_what_there_is(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert devices.visible() == ["3", "5"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert devices.visible() == []


def test_without_a_gpu_the_processor(monkeypatch, caplog):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert devices.pick(0) == "cpu"
    assert not caplog.records
    assert devices.pick(1) == "cpu"
    assert "runs on the processor" in caplog.text


def test_the_batch_is_halved_until_memory_suffices():
    seen = []

    def work(batch):
        seen.append(batch)
        if batch > 3:
            raise torch.OutOfMemoryError("out of memory")
        return f"done by {batch}"

    assert devices.within_memory(work, 13) == ("done by 3", 3)
    assert seen == [13, 6, 3]


def test_other_problems_are_not_taken_for_want_of_memory():
    def work(batch):
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes"):
        devices.within_memory(work, 8)


def test_too_little_memory_for_one_is_told():
    def work(batch):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    with pytest.raises(InputError, match="memory does not suffice"):
        devices.within_memory(work, 4)


@pytest.mark.parametrize("text", ["CUDA error: out of memory", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"])
def test_what_cuda_says_elsewhere_is_recognised(text):
    assert devices.is_out_of_memory(RuntimeError(text))


def test_a_real_failure_of_the_processors_allocator_is_recognised():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert devices.is_out_of_memory(caught.value)
