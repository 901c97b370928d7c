"""What the bot counts, and the dashboard that shows it."""

import json
import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from bot.domain import NANO, Command, Ending, Tokens
from bot.metrics import Metrics, Moment
from tests.support.running import model_with

DASHBOARD = Path(__file__).resolve().parent.parent / "docs" / "grafana.json"
PART = re.compile(r"_(bucket|count|sum)$")


def busy() -> Metrics:
    """Counters that have all seen something."""
    metrics = Metrics()
    metrics.ended(Command.ASK, Ending.DONE, 0.7)
    metrics.used(model_with(8_000), Tokens(10, 20), NANO // 2)
    metrics.waited(1.5)
    metrics.look = lambda: Moment(3, 4, 6, 5, 0.25, {"a/b": True})
    return metrics


def samples(metrics: Metrics) -> dict[str, float]:
    """Every sample by its name and labels, as Prometheus reads it."""
    return {
        " ".join((sample.name, *sample.labels.values())): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_what_is_counted_can_be_read() -> None:
    found = samples(busy())
    assert found["parlance_requests_total ask done"] == 1
    assert found["parlance_tokens_total input test/model"] == 10
    assert found["parlance_tokens_total output test/model"] == 20
    assert found["parlance_cost_dollars_total test/model"] == 0.5
    assert found["parlance_first_text_seconds_bucket ask 0.5"] == 0
    assert found["parlance_first_text_seconds_bucket ask 1.0"] == 1
    assert found["parlance_rate_limit_wait_seconds_sum"] == 1.5
    assert found["parlance_open_answers"] == 3
    assert found["parlance_queue_length rate_limit"] == 4
    assert found["parlance_queue_length provider"] == 6
    assert found["parlance_queue_length database"] == 5
    assert found["parlance_event_loop_lag_seconds"] == 0.25
    assert found["parlance_model_paused a/b"] == 1


def test_a_request_without_text_has_no_time_to_its_first() -> None:
    metrics = Metrics()
    metrics.ended(Command.STORY, Ending.REFUSED, None)
    assert samples(metrics)["parlance_requests_total story refused"] == 1
    assert not any(name.startswith("parlance_first_text_seconds_count") for name in samples(metrics))


def test_two_bots_in_a_process_count_apart() -> None:
    busy()
    assert "parlance_requests_total ask done" not in samples(Metrics())


def test_the_dashboard_shows_every_metric_and_no_other() -> None:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    shown = {
        PART.sub("", name)
        for panel in panels
        for target in panel["targets"]
        for name in re.findall(r"parlance_\w+", target["expr"])
    }
    counted = {PART.sub("", name.partition(" ")[0]) for name in samples(busy())}
    assert shown == counted
