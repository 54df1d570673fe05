"""Where things are kept: the option, then STORPERF_*, then the XDG folders, then home."""

from __future__ import annotations

from pathlib import Path

from storperf.settings import read_settings

HERE = Path("/here")


def test_without_anything_home_has_it():
    settings = read_settings({"HOME": "/home/x"}, HERE)
    assert settings.results == Path("/home/x/.local/share/storperf")
    assert settings.agents == Path("/home/x/.local/state/storperf/agent")
    assert settings.directory == HERE
    assert settings.database is None


def test_without_a_home_the_root_has_it():
    assert read_settings({}, HERE).results == Path("/.local/share/storperf")
    assert read_settings({"HOME": ""}, HERE).agents == Path("/.local/state/storperf/agent")


def test_the_xdg_folders_win_over_home():
    environment = {"HOME": "/home/x", "XDG_DATA_HOME": "/data", "XDG_STATE_HOME": "/state"}
    settings = read_settings(environment, HERE)
    assert settings.results == Path("/data/storperf")
    assert settings.agents == Path("/state/storperf/agent")


def test_our_own_variables_win_over_those():
    environment = {
        "HOME": "/home/x",
        "XDG_DATA_HOME": "/data",
        "XDG_STATE_HOME": "/state",
        "STORPERF_RESULTS": "/results",
        "STORPERF_AGENTS": "/agents",
        "STORPERF_DATABASE": "postgresql://host/name",
    }
    settings = read_settings(environment, HERE)
    assert settings.results == Path("/results")
    assert settings.agents == Path("/agents")
    assert settings.database == "postgresql://host/name"


def test_the_option_wins_over_all():
    settings = read_settings({"STORPERF_RESULTS": "/results"}, HERE, Path("/chosen"))
    assert settings.results == Path("/chosen")


def test_relative_folders_start_at_the_working_directory():
    environment = {"STORPERF_RESULTS": "results", "STORPERF_AGENTS": "agents"}
    settings = read_settings(environment, HERE)
    assert settings.results == Path("/here/results")
    assert settings.agents == Path("/here/agents")
    assert read_settings({}, HERE, Path("here")).results == Path("/here/here")


def test_an_empty_variable_is_none():
    environment = {"HOME": "/home/x", "STORPERF_RESULTS": "", "STORPERF_DATABASE": ""}
    settings = read_settings(environment, HERE)
    assert settings.results == Path("/home/x/.local/share/storperf")
    assert settings.database is None
