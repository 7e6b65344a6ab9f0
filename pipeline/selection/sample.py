"""The embedded sample of chat logs: who said what when, and the dirt of real logs.

Prompts and replies were written for it (`pipeline.sources.sample_chats`). Who asks them, when, and
what is wrong with them is made here by rule; how they are stored is in `pipeline.selection.sample_logs`.
Everything is invented.

The shares of dirt are those of real logs of chat services. The sample is laid out for the packaged
recipe with ``--select 40 --golden 20``: what is to be found in training is said by users who train,
before the Golden Set's time begins.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import hashlib
from collections.abc import Iterator, Sequence

from audits.leaks.labelled import shipped_leaks
from pipeline.prompts.golden import Split
from pipeline.selection.sample_dirt import (
    ANSWER_TO_SHORT,
    SHORTS,
    draw,
    mistyped,
    with_personal,
    with_residue,
)
from pipeline.sources.sample_chats import ChatKind, written_chats

__all__ = ["BENCHMARK_ITEMS", "USERS", "ChatSample", "Plant", "SampleChat", "SampleUser",
           "Shape", "chat_sample"]  # fmt: skip

USERS = 60
SHORT, DUPLICATES, RESIDUE = 0.059, 0.125, 0.022  # shares of all conversations
# Of ``gristmill sample leaks``.
BENCHMARK_ITEMS = ("school-maths-016", "school-science-011", "contest-maths-007")
PAYING = ("plus", "pro")
SINCE = 0.25  # how late in the year customers ask: a power of the share of it
LONG = 60  # words, of which one can change in a near-copy
BEGIN, DAYS = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC), 366
# Shares of the year: before the one all may train, after the other all may evaluate.
EARLY, LATE = 0.6, 0.94


class Shape(enum.StrEnum):
    """The logs of the sample, by the shape of their rows."""

    SHAREGPT = "sharegpt"
    WILDCHAT = "wildchat"
    MESSAGES = "messages"


class Plant(enum.StrEnum):
    """What is wrong with a conversation, if anything is."""

    NOTHING = "nothing"
    SHORT = "short"
    COPY = "copy"
    NEAR_COPY = "near-copy"
    RESIDUE = "residue"
    PERSONAL = "personal"
    JAILBREAK = "jailbreak"
    TEMPLATE = "template"
    OVERLAP = "overlap"
    BENCHMARK = "benchmark"


@dataclasses.dataclass(frozen=True, slots=True)
class SampleUser:
    """One who asks.

    Args:
        id: as the log has it.
        shape: of the log.
        tier: ``free``, ``plus`` or ``pro``.
        evaluates: whether the packaged recipe's split takes the user for the Golden Set.
        weight: how much the user asks, compared with others.
    """

    id: str
    shape: Shape
    tier: str
    evaluates: bool
    weight: float

    @property
    def customer(self) -> bool:
        """Whether prompts of this user can be in the Golden Set."""
        return self.evaluates and self.tier in PAYING


@dataclasses.dataclass(frozen=True, slots=True)
class SampleChat:
    """A conversation of the sample, and the truth about it.

    Args:
        id: unique in the sample; numbers follow the time.
        user: who asks.
        time: of the first turn, UTC, to the second.
        turns: user and assistant, by turns.
        plant: what is wrong with it.
        detail: kind of personal data or of overlap, or id of a benchmark's item; else empty.
        of: id of the conversation that it copies or overlaps with; else empty.
        intent: as its author meant it; empty where there is none to tell.
    """

    id: str
    user: SampleUser
    time: datetime.datetime
    turns: tuple[str, ...]
    plant: Plant = Plant.NOTHING
    detail: str = ""
    of: str = ""
    intent: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class ChatSample:
    """The sample.

    Args:
        users: all of them.
        chats: in the order of time.
    """

    users: tuple[SampleUser, ...]
    chats: tuple[SampleChat, ...]


def chat_sample() -> ChatSample:
    """Make the sample.

    Raises:
        SourceError: the installation lacks the shipped leaks.
    """
    log = _Log(tuple(_users()))
    log.written()
    log.specials()
    log.benchmark()
    log.repeats()
    drafts = sorted(log.drafts, key=lambda one: (one.time, one.turns))
    names = {id(one): f"chat-{number:04d}" for number, one in enumerate(drafts, 1)}
    chats = (
        SampleChat(
            names[id(one)], one.user, one.time, one.turns, one.plant, one.detail,
            names[id(one.of)] if one.of else "", one.intent,
        )
        for one in drafts
    )  # fmt: skip
    return ChatSample(log.users, tuple(chats))


def _users() -> Iterator[SampleUser]:
    split = Split(tiers=PAYING)
    for number in range(USERS):
        shape = list(Shape)[number % len(Shape)]
        digest = hashlib.sha256(f"grain {number}".encode()).hexdigest()
        name = digest if shape is Shape.WILDCHAT else f"user_{digest[:10]}"
        tier = "free" if number % 10 < 6 else PAYING[number % 10 == 9]
        evaluates = split.of_golden_user(name)
        # Who pays asks more; and a handful of customers has to fill a Golden Set of 20.
        paying, free = (4.0, 0.3) if evaluates else (2.0, 1.0)
        weight = free if tier == "free" else paying
        yield SampleUser(name, shape, tier, evaluates, weight * (0.5 + draw("weight", number)))


@dataclasses.dataclass(frozen=True, eq=False)
class _Draft:
    """A conversation that has no id yet."""

    user: SampleUser
    time: datetime.datetime
    turns: tuple[str, ...]
    plant: Plant = Plant.NOTHING
    detail: str = ""
    of: _Draft | None = None
    intent: str = ""


class _Log:
    """Fills up with conversations, a kind at a time."""

    def __init__(self, users: Sequence[SampleUser]):
        self.users, self.drafts = tuple(users), list[_Draft]()
        self._training = [user for user in users if not user.evaluates]
        self._customers = [user for user in users if user.customer]

    def written(self) -> None:
        """Prompts as people ask them, some with residue or personal data."""
        chats = [one for one in written_chats() if one.kind is ChatKind.WRITTEN]
        originals = tuple(one.of for one in written_chats() if one.of)
        plain = []
        for chat in chats:
            prompt, *rest = chat.turns
            detail, prompt = with_personal(prompt)
            if prompt.startswith(originals):
                user, time = self._someone(prompt, self._customers), _time(prompt, LATE, 1.0)
            elif detail:
                user, time = self._someone(prompt, self._training), _time(prompt, 0.0, EARLY)
            else:
                user = self._someone(prompt, self.users)
                time = _time(prompt, 0.0, 1.0, SINCE if user.customer else 1.0)
                plain.append(len(self.drafts))
            plant = Plant.PERSONAL if detail else Plant.NOTHING
            self.drafts.append(
                _Draft(user, time, (prompt, *rest), plant, detail, None, chat.intent)
            )
        # Front ends leave residue where somebody copied a page.
        shared = [at for at in plain if self.drafts[at].user.shape is Shape.SHAREGPT]
        shared.sort(key=lambda at: draw("residue", self.drafts[at].turns[0]))
        count = round(RESIDUE * len(chats) / (1 - SHORT - DUPLICATES))
        for number, at in enumerate(shared[:count]):
            one = self.drafts[at]
            turns = (with_residue(one.turns[0], number), *one.turns[1:])
            self.drafts[at] = dataclasses.replace(one, turns=turns, plant=Plant.RESIDUE)

    def specials(self) -> None:
        """Jailbreaks, a template, and what overlaps with prompts of customers."""
        plants = {ChatKind.JAILBREAK: Plant.JAILBREAK, ChatKind.TEMPLATE: Plant.TEMPLATE}
        for chat in written_chats():
            if chat.kind is ChatKind.WRITTEN:
                continue
            original = self._beginning(chat.of) if chat.of else None
            turns = chat.turns
            if chat.kind is ChatKind.SAME:
                assert original is not None
                turns = (original.turns[0].lower().rstrip("?"), *original.turns[1:2])
            self._early(
                turns,
                plants.get(chat.kind, Plant.OVERLAP),
                chat.kind.value if original else "",
                original,
                "asking" if original else "",
            )

    def benchmark(self) -> None:
        """Items of the benchmark that ``gristmill sample leaks`` writes, pasted as prompts."""
        items = {leak.item.id: leak.item for leak in shipped_leaks()}
        for name in BENCHMARK_ITEMS:
            item = items[name]
            answer = f"{item.answer}. {item.solution}".strip()
            self._early((item.question, answer), Plant.BENCHMARK, name, None, "asking")

    def repeats(self) -> None:
        """Copies, near-copies and what is too short to be anything."""
        once = [one for one in self.drafts if one.plant is Plant.NOTHING and one.intent]
        total = len(self.drafts) / (1 - SHORT - DUPLICATES)
        long = [one for one in once if len(one.turns[0].split()) >= LONG]
        for number in range(round(DUPLICATES * total)):
            near = number % 3 == 2
            among = long if near else once
            # Some prompts are asked again and again.
            one = among[int(len(among) * draw("copied", number) ** 2)]
            again = draw("again", number) < 0.6  # by the same user, soon
            user = one.user if again else self._someone(("copy", number), self._training)
            if again:
                time = one.time + datetime.timedelta(minutes=1 + 200 * draw("minutes", number))
            else:
                time = _time(("copy", number), 0.0, 1.0)
            prompt = mistyped(one.turns[0]) if near else one.turns[0]
            self.drafts.append(
                _Draft(
                    user, time.replace(microsecond=0), (prompt, *one.turns[1:2]),
                    Plant.NEAR_COPY if near else Plant.COPY, "", one, one.intent,
                )
            )  # fmt: skip
        for number in range(round(SHORT * total)):
            text = SHORTS[int(len(SHORTS) * draw("short", number) ** 1.5)]
            user = self._someone(("short", number), self.users)
            time = _time(("short", number), 0.0, 1.0)
            self.drafts.append(_Draft(user, time, (text, ANSWER_TO_SHORT), Plant.SHORT))

    def _early(
        self,
        turns: tuple[str, ...],
        plant: Plant,
        detail: str = "",
        of: _Draft | None = None,
        intent: str = "",
    ) -> None:
        user, time = self._someone(turns, self._training), _time(turns, 0.0, EARLY)
        self.drafts.append(_Draft(user, time, turns, plant, detail, of, intent))

    def _beginning(self, start: str) -> _Draft:
        return next(one for one in self.drafts if one.turns[0].startswith(start))

    def _someone(self, name: object, users: Sequence[SampleUser]) -> SampleUser:
        """One of them, the likelier the more they ask."""
        left = draw("user", name) * sum(user.weight for user in users)
        for user in users:
            left -= user.weight
            if left < 0:
                return user
        return users[-1]


def _time(name: object, first: float, last: float, power: float = 1.0) -> datetime.datetime:
    """Between two shares of the year, by day; with a power below 1 rather later."""
    share = first + (last - first) * draw("day", name) ** power
    seconds = int(3600 * (7 + 16 * draw("second", name)))
    return BEGIN + datetime.timedelta(days=int(share * DAYS), seconds=seconds)
