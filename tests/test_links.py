"""One file in two places."""

import errno
import os

import pytest

from igsed.links import link


@pytest.mark.parametrize("links", [True, False])
def test_the_contents_are_there_and_what_was_there_is_replaced_not_written_through(tmp_path, monkeypatch, links):
    source, target, elsewhere = (tmp_path / name for name in ("source", "target", "elsewhere"))
    source.write_text("new")
    elsewhere.write_text("old")
    os.link(elsewhere, target)
    if not links:

        def refuse(*_):
            raise OSError(errno.EXDEV, "another disk")

        monkeypatch.setattr(os, "link", refuse)
    link(source, target)
    assert (target.read_text(), elsewhere.read_text()) == ("new", "old")
    assert source.samefile(target) == links
