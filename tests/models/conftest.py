"""What tests of the models share."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from bot.domain import Model, Outcome, Prompt, Role, Turn
from bot.models.prediction import Timing
from bot.models.provider import Provider
from bot.models.registry import Registry
from bot.models.replicate import ReplicateProvider
from tests.wire.replicate import ReplicateStandIn, standing_in

QUICK = Timing(
    connect=2.0,
    request=2.0,
    idle=0.2,
    create_waits=1.0,
    reconnect=0.01,
    first_poll=0.002,
    longest_poll=0.01,
    longest_busy=0.05,
    patience=0.3,
    cancel_within=2.0,
    grace=0.1,
)


@dataclass
class Asked:
    """One call from its beginning to its end: what was created, shown and concluded."""

    ids: list[str | None] = field(default_factory=list)
    """As they were told: None where there may be a prediction whose id was not."""
    pieces: list[str] = field(default_factory=list)
    outcome: Outcome | None = None

    @property
    def shown(self) -> str:
        return "".join(self.pieces)

    async def created(self, prediction: str | None) -> None:
        self.ids.append(prediction)

    async def ask(self, provider: Provider, model: Model, prompt: Prompt, deadline: float = 60.0) -> Outcome:
        async with provider.predict(model, prompt, deadline=deadline, created=self.created) as run:
            async for piece in run.pieces():
                self.pieces.append(piece)
            self.outcome = await run.outcome()
        return self.outcome


def question(words: str = "What is the sea?", *, system: str = "Be kind.", max_tokens: int = 100) -> Prompt:
    return Prompt(system, (Turn(Role.USER, words),), max_tokens, 0.5)


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry.load()


@pytest.fixture
def model(registry: Registry) -> Model:
    return registry.get("meta/meta-llama-3-70b-instruct")


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
async def replicate() -> AsyncIterator[ReplicateStandIn]:
    """A Replicate on 127.0.0.1, which at the end has nothing running that nobody waits for."""
    async with standing_in() as standin:
        yield standin
        assert not standin.left_running()


@pytest.fixture
async def provider(replicate: ReplicateStandIn) -> AsyncIterator[ReplicateProvider]:
    provider = ReplicateProvider(replicate.token, base_url=replicate.base_url, timing=QUICK)
    yield provider
    await provider.close()


Connect = Callable[..., ReplicateProvider]
