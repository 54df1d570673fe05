"""Bringing raw output home."""

from types import SimpleNamespace

from storperf.engine.conclusion import collect


def test_what_a_killed_manager_had_half_fetched_is_removed(tmp_path):
    (tmp_path / ".fetch-a1b2").write_bytes(b"half")
    (tmp_path / "t001.1.agent-01.target-0.json.gz").write_bytes(b"whole")
    store = SimpleNamespace(raw_folder=lambda _run: tmp_path, trials=lambda _run: ())
    collect(SimpleNamespace(run_id="r", store=store, agents=[]))
    assert [path.name for path in tmp_path.iterdir()] == ["t001.1.agent-01.target-0.json.gz"]
