"""The clips of a split."""

import pandas as pd
import pytest

from igsed import clips
from igsed.errors import InputError


@pytest.fixture
def split(tmp_path):
    table = [("test_00001", "a/test_00001.flac", 10, 1, 1), ("test_00000", "a/test_00000.flac", 10, 2, 0)]
    columns = ["clip", "path", "duration", "seed", "polyphony"]
    pd.DataFrame(table, columns=columns).to_csv(tmp_path / "clips.csv", index=False)
    (tmp_path / "events.tsv").write_text(
        "filename\tonset\toffset\tevent_label\ntest_00001.flac\t0.5\t1.5\tDog\ntest_00000.flac\t\t\t\n"
    )
    return tmp_path / "clips.csv", tmp_path / "events.tsv"


def test_names_keep_their_order_and_events_name_their_clip(split):
    names, events = clips.read(*split)
    assert names == ["test_00001", "test_00000"]
    assert events[["clip", "onset", "offset", "event_label"]].values.tolist() == [["test_00001", 0.5, 1.5, "Dog"]]


def test_durations(split):
    assert clips.durations(split[0]) == {"test_00001": 10, "test_00000": 10}


def test_a_wrong_annotation_is_named(split):
    split[1].write_text(split[1].read_text().replace("1.5", "0.1"))
    with pytest.raises(InputError, match=r"events\.tsv, line 2"):
        clips.read(*split)


def test_recordings_that_the_network_may_know_are_a_subset_to_leave_out(split):
    assert clips.subsets(split[0], "test") == {"test": ["test_00001", "test_00000"]}
    table = pd.read_csv(split[0]).assign(overlap=[1, 0])
    table.to_csv(split[0], index=False)
    assert clips.subsets(split[0], "recordings") == {
        "recordings": ["test_00001", "test_00000"],
        "recordings_unseen": ["test_00000"],
    }
