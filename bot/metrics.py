"""What the bot counts of itself, for Prometheus, in a registry of its own: two bots in a process are two.

Names follow Prometheus: base units (seconds, dollars), ``_total`` for what only grows. No label holds the id
of a person or a place, so there are few series. docs/grafana.json shows every one of them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.domain import NANO, Command, Ending, Model, Tokens

FIRST_TEXT_SECONDS = (0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 120.0)
WAIT_SECONDS = (0.05, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0)
"""Upper bounds of the histograms' buckets."""


@dataclass(frozen=True, slots=True)
class Moment:
    """How things stand when somebody looks."""

    open_answers: int = 0
    waiting_changes: int = 0
    """Changes of replies that wait for a slot at Discord."""
    waiting_calls: int = 0
    """Requests to providers of models that wait for their turn."""
    kept_records: int = 0
    """What is to be recorded and waits in memory for the database."""
    lag: float = 0.0
    """Seconds that the event loop was late by, at most, lately."""
    paused: Mapping[str, bool] = field(default_factory=dict)
    """Whether a model is left alone because it does not answer, by its name."""


class Metrics:
    """The counters, and what is looked at when they are asked for."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.look: Callable[[], Moment] = Moment
        """Tells how things stand."""
        self._requests = Counter(
            "parlance_requests",
            "Requests that ended, by command and by how they ended.",
            ["command", "ending"],
            registry=self.registry,
        )
        self._tokens = Counter(
            "parlance_tokens",
            "Tokens that went into models and came out of them.",
            ["model", "direction"],
            registry=self.registry,
        )
        self._cost = Counter(
            "parlance_cost_dollars",
            "What the tokens cost, by the price table.",
            ["model"],
            registry=self.registry,
        )
        self._first_text = Histogram(
            "parlance_first_text_seconds",
            "From a request to its first visible text.",
            ["command"],
            buckets=FIRST_TEXT_SECONDS,
            registry=self.registry,
        )
        self._waits = Histogram(
            "parlance_rate_limit_wait_seconds",
            "How long a change of a reply waited for Discord's rate limit.",
            buckets=WAIT_SECONDS,
            registry=self.registry,
        )
        self.registry.register(_Now(self))

    def ended(self, command: Command, ending: Ending, first_text_seconds: float | None) -> None:
        """Count a request that ended, with the time to its first visible text if there was any."""
        self._requests.labels(command.value, ending.value).inc()
        if first_text_seconds is not None:
            self._first_text.labels(command.value).observe(first_text_seconds)

    def used(self, model: Model, tokens: Tokens, cost: int) -> None:
        """Count what a request used of a model; ``cost`` is in nano-dollars."""
        self._tokens.labels(model.name, "input").inc(tokens.input)
        self._tokens.labels(model.name, "output").inc(tokens.output)
        self._cost.labels(model.name).inc(cost / NANO)

    def waited(self, seconds: float) -> None:
        """Count a wait for Discord's rate limit."""
        self._waits.observe(seconds)

    def text(self) -> bytes:
        """Return everything in Prometheus's text format."""
        return generate_latest(self.registry)


class _Now(Collector):
    """The gauges, read when they are asked for."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        now = self._metrics.look()
        yield GaugeMetricFamily("parlance_open_answers", "Answers under way.", value=now.open_answers)
        queues = GaugeMetricFamily(
            "parlance_queue_length", "What waits, by what it waits for.", labels=["queue"]
        )
        queues.add_metric(["rate_limit"], now.waiting_changes)
        queues.add_metric(["provider"], now.waiting_calls)
        queues.add_metric(["database"], now.kept_records)
        yield queues
        yield GaugeMetricFamily(
            "parlance_event_loop_lag_seconds", "How late the event loop was, at most, lately.", value=now.lag
        )
        paused = GaugeMetricFamily(
            "parlance_model_paused",
            "1 while a model is left alone because it does not answer.",
            labels=["model"],
        )
        for model, is_paused in now.paused.items():
            paused.add_metric([model], is_paused)
        yield paused
