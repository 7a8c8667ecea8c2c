"""No order of tool calls, edits and forgeries changes a schema without every receipt: a state machine looks for one."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from mcp.client.client import ConnectMode

from tests.property.orders import Orders
from tests.support.clients import ERAS
from tests.support.servers import Servers

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("era", ERAS)
def test_no_order_of_calls_applies_a_change_without_its_receipts(
    servers: Servers, monkeypatch: pytest.MonkeyPatch, era: ConnectMode
) -> None:
    """The heart of the product: whatever an assistant tries, the gate opens to evidence alone."""
    Orders.servers, Orders.monkeypatch, Orders.era = servers, monkeypatch, era
    run_state_machine_as_test(
        Orders,
        settings=settings(
            max_examples=300 if NIGHTLY else 12,
            stateful_step_count=18,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
            print_blob=True,
        ),
    )


@pytest.mark.timeout(120)
def test_the_state_machine_can_reach_an_applied_change(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that never gets through would prove nothing: the right order opens the gate, both ways."""
    Orders.servers, Orders.monkeypatch, Orders.era = servers, monkeypatch, "auto"
    machine = Orders()
    try:
        for way in (True, False):
            machine.detects()
            if way:
                machine.generates()
            machine.edits_the_model(right=way)
            machine.plans()
            machine.backs_up()
            machine.rehearses()
            machine.applies("newest")
            assert machine.applied is way
            machine.nothing_else_moves_a_schema()
    finally:
        machine.teardown()
