"""How far a run has got: jobs are counted once, and the time left is right where jobs are alike."""

import heapq
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from igsed.jobs.overview import Overview

RULES = st.sampled_from(["mix", "attribute", "figure_pipeline"])
JOBS = st.lists(st.tuples(RULES, st.fixed_dictionaries({"source": st.sampled_from(["ig", "cam"])})), max_size=20)


@given(JOBS, st.randoms())
def test_every_job_is_counted_once_and_the_time_left_is_never_negative(jobs, random):
    run, clock = Overview(jobs, 0.0), itertools.count(1)
    waiting, running, ended = [*enumerate(jobs)], [], 0
    while waiting or running:
        if waiting and (not running or random.random() < 0.5):
            key, job = waiting.pop()
            running.append((key, job))
            run.begin(key, *job, next(clock))
        else:
            key, job = running.pop(random.randrange(len(running)))
            if random.random() < 0.2:
                run.fail(key, next(clock))
                waiting.append((key, job))
            else:
                run.end(key, next(clock))
                ended += 1
        assert run.done == ended
        assert sum(run.waiting.values()) == len(waiting)
        left = run.left(next(clock))
        assert (left is None) == (ended == 0)
        assert left is None or left >= 0
        assert f"{ended} of {len(jobs)} jobs" in run.text(next(clock))
    assert run.share() == 1


@given(st.integers(1, 8), st.integers(2, 40), st.floats(0.5, 1000))
def test_jobs_alike_are_foretold(cores, count, seconds):
    """After the first round of equal jobs on some cores the time left is that of the further rounds, in the mean."""
    run = Overview([("mask", {"masks": "m"})] * count, 0.0)
    running, waiting = [], [*range(count)]
    time = 0.0
    while waiting or running:
        while waiting and len(running) < cores:
            key = waiting.pop()
            heapq.heappush(running, (time + seconds, key))
            run.begin(key, "mask", {"masks": "m"}, time)
        time = running[0][0]
        while running and running[0][0] == time:
            run.end(heapq.heappop(running)[1], time)
        together = min(cores, count)
        # The last round may be smaller than the mean so far.
        assert run.left(time) == pytest.approx(len(waiting) * seconds / together, rel=0.5, abs=1e-6)


@given(st.integers(1, 8), st.integers(2, 40), st.floats(0.5, 1000), st.floats(0, 20))
def test_jobs_that_wait_in_a_queue_are_foretold(nodes, count, seconds, overhead):
    """All are submitted at once, so many work at a time, each takes longer than it says: the rounds that are left."""
    run = Overview([("mask", {"masks": "m"})] * count, 0.0, queued=True)
    for key in range(count):
        run.begin(key, "mask", {"masks": "m"}, 0.0)
    for done in range(1, count + 1):
        time = -(-done // nodes) * (seconds + overhead)
        run.end(done - 1, time, seconds)
        if done % nodes == 0:
            rounds = (count - done) / nodes
            assert run.left(time) == pytest.approx(rounds * (seconds + overhead), rel=0.01, abs=seconds)


def test_what_a_job_measured_counts_only_where_it_may_have_waited():
    for queued, expected in ((False, 9.0), (True, 3.0)):
        run = Overview([("mix", {}), ("mix", {})], 0.0, queued)
        run.begin(0, "mix", {}, 0.0)
        run.end(0, 9.0, 3.0)
        assert run._expected(("mix", "")) == expected
        assert run.left(9.0) == pytest.approx(9.0)


def test_jobs_of_a_kind_not_yet_done_count_as_they_usually_do():
    jobs = [("mix", {"shard": "0"}), ("attribute", {"source": "ig"}), ("tables", {})]
    run = Overview(jobs, 0.0)
    run.begin(0, *jobs[0], 0.0)
    run.end(0, 9.0)  # twice as long as usual
    assert run.left(9.0) == pytest.approx(2 * 9.0 + 2 * 2.0)


def test_a_name_says_whose_job_it_is_and_of_several_the_last_is_shown():
    jobs = [("attribute", {"source": "ig", "seed": "1", "split": "test", "shard": "3"}), ("figure_pipeline", {})]
    run = Overview(jobs, 0.0)
    assert run.text(0.0) == "0 of 2 jobs"
    run.begin("a", *jobs[0], 1.0)
    assert run.text(2.0) == "attribute (ig, seed 1, test) · 0 of 2 jobs"
    run.begin("b", *jobs[1], 2.0)
    assert run.text(2.0) == "figure pipeline · 0 of 2 jobs"
    run.end("b", 3.0)
    assert run.text(3.0).startswith("attribute (ig, seed 1, test) · 1 of 2 jobs · about ")


@pytest.mark.parametrize(
    ("seconds", "told"), [(1, "0:10"), (44, "0:40"), (620, "10:00"), (7300, "2:02:00"), (50_000, "13:50:00")]
)
def test_time_left_is_as_rough_as_it_is_known(seconds, told):
    run = Overview([("mix", {})] * 2, 0.0)
    run.begin(0, "mix", {}, 0.0)
    run.end(0, float(seconds))
    assert run.text(float(seconds)) == f"1 of 2 jobs · about {told} left"


def test_events_of_unknown_jobs_change_nothing():
    run = Overview([], 0.0)
    run.end(5, 1.0)
    run.fail(5, 1.0)
    assert (run.done, run.text(2.0)) == (0, "0 of 0 jobs")
