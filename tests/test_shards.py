"""Results of single clips in shards: what is taken over is what was there, and only where it still holds."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from igsed import scores, shards
from igsed.attribution import Explanation
from igsed.jobs import integrity


@given(st.integers(1, 50), st.integers(0, 500))
def test_shards_hold_every_clip_once_and_the_last_all_that_follow(size, count):
    clips, found = list(range(count + 7)), []
    for shard in range(shards.number(size, count)):
        found += clips[slice(*shards.bounds(shard, size, count))]
    assert found == clips


@given(st.integers(1, 50), st.integers(0, 300), st.integers(0, 300))
def test_whole_shards_keep_their_clips_when_there_are_more(size, count, more):
    whole = [shards.bounds(k, size, count) for k in range(shards.number(size, count) - 1)]
    assert whole == [shards.bounds(k, size, count + more) for k in range(len(whole))]


def explained(clip: str, names: list[str], value: float) -> shards.Attributed:
    numbers = [torch.full((len(names),), value + k) for k in range(7)]
    return shards.of_explanation(Explanation(torch.full((len(names), 5), value), *numbers), clip, names, "cpu")


def written(folder, *results: tuple[str, shards.Attributed]) -> tuple:
    paths = folder / "0.parquet", folder / "0.csv"
    with scores.Writer(paths[0]) as writer:
        for _, result in results:
            writer.add(result.rows[0]["clip"], [row["label"] for row in result.rows], result.scores)
    rows = [{**row, shards.KEY: key} for key, result in results for row in result.rows]
    pd.DataFrame(rows, columns=[*shards.COLUMNS, shards.KEY]).to_csv(paths[1], index=False)
    for path in paths:
        integrity.record_of(path).write_text(integrity.describe(path, path.name))
    return paths


def test_what_was_attributed_is_found_again_number_by_number(tmp_path):
    results = {"1": explained("NA", ["Dog", "Cat"], 1 / 3), "007": explained("1e3", ["Dog"], torch.pi)}
    found = shards.attributed(*written(tmp_path, *results.items()))
    assert list(found) == ["1", "007"]
    for key, result in results.items():
        np.testing.assert_array_equal(found[key].scores, result.scores)
        assert found[key].rows == result.rows


def test_a_shard_without_any_pair_is_whole_and_empty(tmp_path):
    paths = written(tmp_path)
    assert shards.kept(*paths)
    assert shards.attributed(*paths) == {}


@pytest.mark.parametrize("damage", ["changed", "missing", "without record", "other pairs"])
def test_of_damaged_files_nothing_is_taken_over(tmp_path, damage):
    scores_file, table = written(tmp_path, ("a", explained("c", ["Dog"], 1.0)))
    assert shards.attributed(scores_file, table)
    if damage == "changed":
        table.write_text(table.read_text().replace("1.0", "2.0"))
    elif damage == "missing":
        scores_file.unlink()
    elif damage == "without record":
        integrity.record_of(table).unlink()
    else:
        table.write_text(table.read_text().replace("Dog", "Cat"))
        integrity.record_of(table).write_text(integrity.describe(table, table.name))
    assert shards.attributed(scores_file, table) == {}


def test_embeddings_of_masked_clips_come_back_a_clip_at_a_time(tmp_path):
    draw = np.random.default_rng(0)
    clips = {
        f"key {k}": shards.Masked(
            f"clip {k}",
            draw.random((count, 10), dtype=np.float32),
            draw.standard_normal((count, 7), dtype=np.float32),
        )
        for k, count in enumerate((3, 1, 4))
    }
    for part, names in enumerate((["key 0", "key 1"], [], ["key 2"])):
        with shards.MaskedWriter(tmp_path / f"{part}.parquet") as writer:
            for name in names:
                writer.add(name, clips[name])
    found = dict(shards.masked([tmp_path / f"{part}.parquet" for part in range(3)]))
    assert list(found) == list(clips)
    for name, masked in found.items():
        assert masked.clip == clips[name].clip
        np.testing.assert_array_equal(masked.masks, clips[name].masks)
        np.testing.assert_array_equal(masked.embeddings, clips[name].embeddings)


def test_a_key_changes_with_everything_that_it_is_made_of():
    parts = ["code", {"n_steps": 4}, ["Dog"], 0, None]
    keys = {shards.key(*parts)}
    for k, other in enumerate(["edited", {"n_steps": 5}, ["Cat"], 1, "random_head"]):
        keys.add(shards.key(*parts[:k], other, *parts[k + 1 :]))
    assert len(keys) == len(parts) + 1
    assert shards.key({"a": 1, "b": 2}) == shards.key({"b": 2, "a": 1})


def test_a_shard_tells_all_that_an_explanation_does():
    assert ("scores", *shards.EXPLAINED) == Explanation._fields
