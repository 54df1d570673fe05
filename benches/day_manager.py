"""The installed storperf with an agent that lives through a day in a minute.

fio's time stamps are taken at their word: a real agent knows that one more than a second off
its clock was made by a stepped clock.  And a sample of the host comes with every interval:
by the real clock there would be twenty a second at most.  Nothing else differs.
"""

from __future__ import annotations

from storperf.__main__ import main
from storperf.remote import pack

_MAIN = b"""import sys
from storperf.agent.__main__ import main
from storperf.agent.sensors import HostSensors
from storperf.agent.steady_clock import SteadyClock
from storperf.agent.trials import TrialOnHost

slices = TrialOnHost._slices
host = HostSensors()
host.sample(0.0)
figures = []

def slices_with_samples(self, process, found):
    if not figures:
        figures.append(host.sample(1.0))
    sampled = -1
    for record in slices(self, process, found):
        yield record
        if record["index"] != sampled:
            sampled = record["index"]
            times = {"start_s": record["start_s"], "end_s": record["end_s"]}
            yield {**self._record("sensors"), **times, "figures": figures[0]}

TrialOnHost._slices = slices_with_samples
SteadyClock.steady_s = lambda self, wall_ms: wall_ms / 1000
sys.exit(main())
"""

pack._MAIN = _MAIN  # noqa: SLF001 - all of the agent that is not the installed one
main()
