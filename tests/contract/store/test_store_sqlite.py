"""SQLite keeps the store's contract."""

from __future__ import annotations

import pytest
from contract.store.service_contract import ServiceContract
from contract.store.store_contract import StoreContract

from storperf.store.store import Store


class TestSqlite(StoreContract, ServiceContract):
    @pytest.fixture
    def store(self, tmp_path):
        with Store.open(tmp_path / "results") as store:
            yield store
