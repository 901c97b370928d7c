"""The project's words as data: what a request, a model, a prompt and a limit are.

Everything here is frozen and free of behaviour beyond arithmetic on its own fields, so that decisions
elsewhere are plain functions from data to data.

Units: money is an integer number of nano-dollars; times are timezone-aware UTC datetimes, or integer
milliseconds since the epoch where they are stored; ids are 63-bit integers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

NANO = 1_000_000_000
"""Nano-dollars in a dollar."""


class Command(StrEnum):
    """What a person can ask for. A direct message or a mention is ``ASK``."""

    ASK = "ask"
    SUMMARIZE = "summarize"
    STORY = "story"
    TRANSLATE = "translate"


class Surroundings(StrEnum):
    """Where a request was made, as far as rules differ."""

    GUILD = "guild"
    BOT_DM = "bot_dm"
    USER_INSTALL = "user_install"
    """Only the person installed the app: the bot is not a member of the place."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where and who: the place a request comes from and the person who made it.

    ``channel_id`` is a thread's parent when the request came from a thread or forum post; ``thread_id`` is
    then the thread itself.
    """

    surroundings: Surroundings
    user_id: int
    channel_id: int
    guild_id: int | None = None
    category_id: int | None = None
    thread_id: int | None = None
    role_ids: tuple[int, ...] = ()


class Visibility(StrEnum):
    """Who sees an answer."""

    PUBLIC = "public"
    PRIVATE = "private"
    INHERITED = "inherited"
    """The person did not say: the settings of the place decide, before anything is shown."""


class SummaryStyle(StrEnum):
    """How a summary is laid out."""

    SHORT = "short"
    BULLETS = "bullets"
    DETAILED = "detailed"
    ACTIONS = "actions"


class StoryLength(StrEnum):
    """How long a story is meant to be."""

    SHORT = "short"
    MEDIUM = "medium"
    LONG = "long"


@dataclass(frozen=True, slots=True)
class File:
    """A file a person attached: where it can be read and what Discord says of it. ``size`` is in bytes."""

    name: str
    url: str
    size: int


@dataclass(frozen=True, slots=True)
class AskOptions:
    """What /ask takes besides the question."""


@dataclass(frozen=True, slots=True)
class SummarizeOptions:
    """What /summarize takes.

    ``messages`` is how many of the channel's last messages to read, or None for a text or file.
    """

    style: SummaryStyle = SummaryStyle.SHORT
    messages: int | None = None


@dataclass(frozen=True, slots=True)
class StoryOptions:
    """What /story takes besides the premise. ``genre`` and ``style`` are the person's own words, or empty."""

    genre: str = ""
    style: str = ""
    length: StoryLength = StoryLength.MEDIUM


@dataclass(frozen=True, slots=True)
class TranslateOptions:
    """What /translate takes besides the text: language codes as CLDR spells them; ``source`` is None when it
    is to be recognised.
    """

    target: str
    source: str | None = None


Options = AskOptions | SummarizeOptions | StoryOptions | TranslateOptions


@dataclass(frozen=True, slots=True)
class Request:
    """One thing a person asked for.

    ``id`` is time-ordered and also the id of its usage row; ``locale`` is Discord's, such as ``en-US``.
    """

    id: int
    command: Command
    scope: Scope
    words: str
    options: Options
    locale: str
    visibility: Visibility
    asked_at: datetime
    file: File | None = None
    model: str | None = None
    """The model the person chose, or None for the policy's."""


class Setting(StrEnum):
    """What admins choose for a server, and most of it also for a channel."""

    COMMANDS = "commands"
    MODEL = "model"
    MODELS = "models"
    LONGEST_ANSWER = "longest_answer"
    PRIVATE = "private"
    PERSONA = "persona"
    LANGUAGE = "language"
    PAUSED = "paused"
    NOTICES = "notices"
    TIME_ZONE = "time_zone"
    RETENTION_DAYS = "retention_days"


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds in a scope after inheritance.

    What only a server's admins decide has its usual value elsewhere.
    """

    model: str
    """Name of the model that answers when the person chose none."""
    longest_answer: int = 2048
    """Tokens of output a single model call may ask for."""
    models: frozenset[str] = frozenset()
    """Names of those that a person may choose."""
    commands: frozenset[Command] = frozenset(Command)
    """Those that are on."""
    private: bool = False
    """Whether answers are private where the person did not say."""
    persona: str = ""
    language: str | None = None
    """The language of replies as Discord spells it, or None for the reader's."""
    paused: bool = False
    notices: int | None = None
    """The channel where admins are told of what happens."""
    time_zone: str = "UTC"
    retention_days: int = 365
    """How long the records of requests are kept."""
    origins: Mapping[Setting, "Place"] = field(default_factory=dict)
    """The place that each value comes from; the operator's is ``Place.BOT``."""


class Role(StrEnum):
    """Who speaks in a turn."""

    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Prompt:
    """What is sent to a model: pure data, and the only thing a provider reads.

    ``max_tokens`` bounds the output.
    """

    system: str
    turns: tuple[Turn, ...]
    max_tokens: int
    temperature: float | None = None

    @property
    def length(self) -> int:
        """Characters of all its texts."""
        return len(self.system) + sum(len(turn.text) for turn in self.turns)


class ProviderName(StrEnum):
    """What runs a model."""

    REPLICATE = "replicate"
    EMBEDDED = "embedded"


class Template(StrEnum):
    """How a conversation becomes one prompt for a model without a ``messages`` field."""

    LLAMA3 = "llama3"
    CHATML = "chatml"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Price:
    """Nano-dollars a token, in and out."""

    input: int
    output: int


@dataclass(frozen=True, slots=True)
class Model:
    """A registry entry: how to call one model, what it can and what it costs.

    The ``*_field`` names are the model's own input fields at its provider; None where it has no such field.
    ``price`` is None when it is not known: such a model is refused where a cost limit applies. ``context`` is
    the tokens of input and output together.
    """

    name: str
    provider: ProviderName
    context: int
    max_output: int
    length_field: str | None
    template: Template = Template.PLAIN
    system_field: str | None = None
    messages_field: str | None = None
    template_field: str | None = None
    temperature_field: str | None = None
    min_output: int = 1
    price: Price | None = None
    reasons: bool = False
    vision: bool = False
    extra: dict[str, str | int | float | bool] = field(default_factory=dict)
    """Input fields sent as they are with every call."""

    def cost(self, tokens: "Tokens") -> int:
        """Nano-dollars that these tokens cost; 0 when the price is not known."""
        if self.price is None:
            return 0
        return tokens.input * self.price.input + tokens.output * self.price.output


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens that went into a model and came out of it, counted or as an upper bound."""

    input: int = 0
    output: int = 0

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(self.input + other.input, self.output + other.output)

    @property
    def total(self) -> int:
        """Input and output together."""
        return self.input + self.output


class PredictionState(StrEnum):
    """Replicate's own states of a prediction, used for every provider."""

    STARTING = "starting"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    ABORTED = "aborted"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will come."""
        return self not in {PredictionState.STARTING, PredictionState.PROCESSING}


class Stage(StrEnum):
    """What the text of one model call is in its answer."""

    SILENT = "silent"
    """None of it is shown."""
    PART = "part"
    """A part, and more comes after it."""
    LAST = "last"
    """The answer is whole with it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one prediction ended, from the provider's own record: the whole output and what it used.

    ``text`` still holds the reasoning of a model that reasons aloud; ``tokens`` are the provider's count, or
    ours where it gives none.
    """

    state: PredictionState
    text: str
    tokens: Tokens


class Ending(StrEnum):
    """How a request ended, as its usage row says."""

    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    SHUTDOWN = "shutdown"
    LOST = "lost"
    """Discord let nobody write to its message any more, so the answer was not shown to its end."""
    UNSEEN = "unseen"
    """Discord did not accept the first response, so no model was called."""


class Place(StrEnum):
    """How wide a limit reaches."""

    BOT = "bot"
    GUILD = "guild"
    CATEGORY = "category"
    CHANNEL = "channel"


class Subject(StrEnum):
    """Whose use a limit counts."""

    USER = "user"
    """Each person by themselves."""
    ROLE = "role"
    """Each person who has a role, by themselves."""
    GUILD = "server"
    """Each server by itself; only at place ``bot``."""
    EVERYONE = "everyone"
    """All use in the place together."""


class Metric(StrEnum):
    """What a limit counts."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    COST = "cost"
    CONCURRENT = "concurrent"


class Window(StrEnum):
    """The span after which a limit starts anew; ``NOW`` is for requests at the same time."""

    NOW = "now"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Limit:
    """How much of a metric a subject may use in a window, in a place.

    ``amount`` is a count, tokens or nano-dollars by the metric.
    """

    id: int
    place: Place
    place_id: int
    """The channel, category or guild; 0 for the bot."""
    subject: Subject
    metric: Metric
    window: Window
    amount: int
    role_id: int = 0
    command: Command | None = None
    guild_id: int = 0
    """The server it is of; 0 for the bot."""
