"""SQLite keeps the store's contract."""

from __future__ import annotations

import pytest
from contract.store.store_contract import StoreContract

from storperf.store.store import Store


class TestSqlite(StoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        with Store.open(tmp_path / "results") as store:
            yield store
