from __future__ import annotations

import os
import socket

from storperf.graphite.ports import choose_ports, listens


def test_a_process_listens_on_its_own_port_and_another_one_does_not():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert listens(os.getpid(), port)
        assert not listens(os.getppid(), port)
    assert not listens(os.getpid(), port)


def test_a_port_that_is_bound_and_not_listened_on_is_nobody_s():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert not listens(os.getpid(), bound.getsockname()[1])


def test_a_process_that_has_ended_listens_on_nothing():
    assert not listens(2**22, 22)


def test_ports_that_are_taken_are_not_chosen():
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        first = choose_ports(None)
        again = choose_ports(type(first)(line=taken, pickle=first.pickle, query=1, web=first.web))
    assert again.line != taken
    assert again.pickle == first.pickle
