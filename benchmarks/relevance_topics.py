"""Labelled texts for measuring zero-shot relevance, with descriptions of their topics.

Every topic is described twice, once as a list of subjects and once as a sentence, before anything
was measured. Labels serve to measure only. A text whose label leaves open whether it is about a
topic is left out of that topic.
"""

from __future__ import annotations

import csv
import dataclasses
import gzip
import itertools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["LabelledTexts", "Topic", "labelled_texts"]


@dataclasses.dataclass(frozen=True)
class Topic:
    """A topic or a form of writing.

    Args:
        name: for the table.
        descriptions: a list of subjects, and a sentence.
        positive: labels of which one makes a text positive.
        unclear: labels of which one, and no positive one, leaves the text out.
    """

    name: str
    descriptions: tuple[str, str]
    positive: frozenset[str]
    unclear: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True)
class LabelledTexts:
    """Texts of one collection, the labels of each, and its topics.

    ``choice`` are the topics that settings were chosen on; the others report.
    """

    name: str
    texts: list[str]
    labels: list[frozenset[str]]
    topics: tuple[Topic, ...]
    choice: tuple[Topic, ...] = ()

    def truth(self, topic: Topic) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Which texts count for ``topic``, and which of them are positive (of all texts, both)."""
        positive = np.array([bool(topic.positive & found) for found in self.labels])
        unclear = np.array([bool(topic.unclear & found) for found in self.labels])
        return positive | ~unclear, positive


def labelled_texts(data: Path, every: int) -> list[LabelledTexts]:
    """All collections; of all but the tagged pages only each ``every``-th text."""
    found = [
        page_tags(data),
        *(
            LabelledTexts(one.name, one.texts[::every], one.labels[::every], one.topics)
            for one in (mmlu(data), clinc(data), banking(data), page_types(data), dolly(data))
        ),
    ]
    for one in found:
        for topic in one.topics:
            counts, positive = one.truth(topic)
            assert 5 < positive.sum() < counts.sum() - 5, (one.name, topic.name)
    return found


def _topic(name: str, subjects: str, sentence: str, positive: str, unclear: str = "") -> Topic:
    return Topic(
        name, (subjects, sentence), frozenset(positive.split()), frozenset(unclear.split())
    )


# --- web pages -----------------------------------------------------------------------------

# Tags that name no topic: a page without any other says nothing of its own.
_NO_TOPIC = """article articles blog commentary comparison editorial guide how-to landing-page lifestyle
listicle news newsletter opinion personal personal-blog podcast pool-import press-release
research review reviews service substack technology tips trends tutorial verified web-sourced
year-end-review"""

_TAG_TOPICS = (
    _topic(
        "artificial intelligence",
        "artificial intelligence, machine learning and large language models",
        "Articles about how artificial intelligence and language models are built, how they work "
        "and how they are used.",
        """ai ai-critique ai-model ai-tools artificial-intelligence claude function-calling
        google-gemma inference-engine inference-optimization interpretability llm llms
        machine-learning ollama slm yann-lecun""",
    ),
    _topic(
        "cybersecurity",
        "cybersecurity, hacking and protection against attacks",
        "Advice and news on protecting computers, networks and data against attackers.",
        """container-security cybersecurity hacking security security-products security-tips
        vulnerability-research""",
        "backup hardware-attestation home-networking",
    ),
    _topic(
        "education",
        "education: schools, universities, courses and tutoring",
        "Pages about studying and teaching: colleges and degrees, online courses, schools and "
        "tutors.",
        """academic-program academic-support adult-education adult-learning business-school
        certification certification-programs college college-costs course course-definitions
        course-path courses degree-comparison education elearning english-learning
        executive-education graduate-degree high-school mba mba-rankings music-school
        online-learning student-achievement student-resources student-success teaching tutoring
        university""",
        """academic corporate-training educational professional-development student-club textbook
        training workforce""",
    ),
    _topic(
        "finance",
        "finance, insurance and accounting",
        "Information on money: saving, investing, insurance policies and bookkeeping.",
        """accounting actuarial blue-cross-blue-shield finance financial gaap index-funds insurance
        investing investment medicare payroll personal-finance""",
        "advisor business business-acquisition crypto m&a m-and-a pricing real-estate",
    ),
    _topic(
        "health",
        "health, medicine, nutrition, fitness and mental wellbeing",
        "Advice on staying healthy: illnesses and their treatment, diet, exercise and meditation.",
        """dental diet-trends exercise fitness gym health health-and-fitness healthcare medical
        meditation mental-health mindfulness nutrition obesity oral-health oral-hygiene
        personal-training pharmaceuticals psychiatry skin-care skincare strength-training
        weight-loss wellness yoga""",
        """brain coffee ergonomics fitness-equipment fitness-tracker food gym-accidents
        gym-equipment gym-fitness insurance medicare neuroscience pandemic safety seniors
        treadmill""",
    ),
    _topic(
        "home",
        "home improvement, repairs, furniture and gardening",
        "How to maintain, clean, repair and decorate a house and its garden.",
        """appliances cabinetry cleaning diy electrical electrical-services electrician flooring
        furniture gardening home-and-garden home-decor home-improvement home-renovation
        home-services interior-design kitchen pest-control plumbing renovation woodworking""",
        """construction contractor fasteners home-assistant home-networking lamps moving pipes
        repair residential smart-home utilities""",
    ),
    _topic(
        "marketing",
        "marketing, advertising and search engine optimisation",
        "How companies advertise, win customers and rank higher in search engines.",
        "digital-marketing marketing marketing-analytics seo social-media",
        """business data-analytics e-commerce graphic-design sales small-business
        website-analysis""",
    ),
    _topic(
        "software",
        "programming and software development",
        "Technical articles for programmers: languages, tools, databases and code.",
        """app-development bevy cli code-kata coldfusion data-engineering database debian
        developer-tools development docker frameworks functional-programming gcc git go html5
        javascript lean mobile-apps nix ocaml open-source parsing postgres programming python rust
        self-hosted software software-architecture software-company software-development
        software-engineering string-search swift testing theorem-proving unicode version-control
        web-development zig""",
        """ai android automation blockchain cybersecurity dns embedded-systems engineering hardware
        infrastructure llm machine-learning saas security self-hosting technology""",
    ),
)

_TYPE_TOPICS = (
    _topic(
        "documentation",
        "software documentation, reference manual, API guide",
        "A page of documentation that explains how to install, configure and use software.",
        "documentation",
    ),
    _topic(
        "forum",
        "forum thread, questions and answers of users",
        "A discussion in an online forum, where people ask for help and reply to each other.",
        "forum",
    ),
    _topic(
        "product",
        "product page of an online shop, price, add to cart",
        "A shop's page about a single product, with its price, features and customer reviews.",
        "product",
    ),
    _topic(
        "service",
        "a company presents its services, contact us, get a quote",
        "A company describes the services that it offers and invites customers to get in touch.",
        "service",
    ),
)


def _pages(data: Path) -> list[tuple[str, dict[str, Any]]]:
    path = data / "web" / "gold" / "wcxb_dev.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    texts = [(row["ground_truth"].get("main_content"), row) for row in rows]
    return [(text, row["_internal"]["page_type"]) for text, row in texts if text]


def page_tags(data: Path) -> LabelledTexts:
    """WCXB's pages (Foley 2026, CC BY 4.0) by the tags that describe their topics."""
    tagged = [
        (text, frozenset(re.sub("[ _]", "-", tag.lower()) for tag in kind.get("tags") or ()))
        for text, kind in _pages(data)
    ]
    tagged = [(text, tags) for text, tags in tagged if tags - set(_NO_TOPIC.split())]
    return LabelledTexts(
        "web pages, topic",
        [text for text, _ in tagged],
        [tags for _, tags in tagged],
        _TAG_TOPICS,
        choice=_TAG_TOPICS[::2],
    )


def page_types(data: Path) -> LabelledTexts:
    """All of those pages by their form."""
    pages = _pages(data)
    labels = [frozenset([str(kind["primary"])]) for _, kind in pages]
    return LabelledTexts("web pages, form", [text for text, _ in pages], labels, _TYPE_TOPICS)


# --- questions -----------------------------------------------------------------------------

# MMLU's test set comes without subjects, in their order: how many questions each has.
_MMLU_SUBJECTS = """abstract_algebra 100 anatomy 135 astronomy 152 business_ethics 100
clinical_knowledge 265 college_biology 144 college_chemistry 100 college_computer_science 100
college_mathematics 100 college_medicine 173 college_physics 102 computer_security 100
conceptual_physics 235 econometrics 114 electrical_engineering 145 elementary_mathematics 378
formal_logic 126 global_facts 100 high_school_biology 310 high_school_chemistry 203
high_school_computer_science 100 high_school_european_history 165 high_school_geography 198
high_school_government_and_politics 193 high_school_macroeconomics 390 high_school_mathematics 270
high_school_microeconomics 238 high_school_physics 151 high_school_psychology 545
high_school_statistics 216 high_school_us_history 204 high_school_world_history 237 human_aging 223
human_sexuality 131 international_law 121 jurisprudence 108 logical_fallacies 163
machine_learning 112 management 103 marketing 234 medical_genetics 100 miscellaneous 783
moral_disputes 346 moral_scenarios 895 nutrition 306 philosophy 311 prehistory 324
professional_accounting 282 professional_law 1534 professional_medicine 272
professional_psychology 612 public_relations 110 security_studies 245 sociology 201
us_foreign_policy 100 virology 166 world_religions 171"""

_MMLU_TOPICS = (
    _topic(
        "computer science",
        "computer science, programming, algorithms, machine learning and computer security",
        "Questions about computers: how programs, algorithms and networks work.",
        "college_computer_science computer_security high_school_computer_science machine_learning",
        "miscellaneous electrical_engineering",
    ),
    _topic(
        "economics",
        "economics: markets, prices, inflation, unemployment and trade",
        "Questions about economics: how markets, money and the policy of central banks work.",
        "econometrics high_school_macroeconomics high_school_microeconomics",
        "miscellaneous professional_accounting global_facts",
    ),
    _topic(
        "history",
        "history: wars, empires, revolutions and treaties",
        "Questions about history: what happened in past centuries, and why.",
        "high_school_european_history high_school_us_history high_school_world_history prehistory",
        "miscellaneous world_religions us_foreign_policy global_facts",
    ),
    _topic(
        "law",
        "law: courts, contracts, crimes and constitutional rights",
        "Questions about law: legal cases, and what courts would decide.",
        "international_law jurisprudence professional_law",
        "miscellaneous high_school_government_and_politics",
    ),
    _topic(
        "mathematics",
        "mathematics: algebra, geometry, probability and arithmetic problems",
        "Mathematical problems, in which a number, a proof or an equation is sought.",
        """abstract_algebra college_mathematics elementary_mathematics high_school_mathematics
        high_school_statistics""",
        "miscellaneous formal_logic econometrics",
    ),
    _topic(
        "medicine",
        "medicine, anatomy, diseases and treatment",
        "Questions about medicine: patients and their symptoms, diseases, organs and drugs.",
        """anatomy clinical_knowledge college_medicine medical_genetics professional_medicine
        virology""",
        """miscellaneous college_biology high_school_biology human_aging human_sexuality
        nutrition""",
    ),
    _topic(
        "physics",
        "physics: forces, energy, electricity, waves and heat",
        "Questions about physics: how bodies move, and what happens in circuits, light and heat.",
        "college_physics conceptual_physics high_school_physics",
        "miscellaneous astronomy electrical_engineering college_chemistry high_school_chemistry",
    ),
    _topic(
        "psychology",
        "psychology: behaviour, memory, emotions and therapy",
        "Questions about psychology: how people think, feel, learn and behave.",
        "high_school_psychology professional_psychology",
        "miscellaneous human_aging human_sexuality sociology",
    ),
)


def mmlu(data: Path) -> LabelledTexts:
    """Questions of MMLU (Hendrycks et al. 2021, MIT), without their options, by subject."""
    questions: dict[int, str] = {}
    for path in sorted((data / "benchmarks" / "mmlu").glob("mmlu_test-*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                questions[int(row["eval_instance_index"])] = row["question"]
    words = _MMLU_SUBJECTS.split()
    counts = zip(words[::2], map(int, words[1::2]), strict=True)
    subjects = list(itertools.chain.from_iterable([name] * count for name, count in counts))
    assert sorted(questions) == list(range(len(subjects)))
    texts = [questions[index] for index in range(len(subjects))]
    labels = [frozenset([subject]) for subject in subjects]
    return LabelledTexts("MMLU questions", texts, labels, _MMLU_TOPICS)


# --- short requests ------------------------------------------------------------------------

_CLINC_TOPICS = (
    _topic(
        "banking and cards",
        "bank accounts, payments, credit cards and credit scores",
        "Somebody asks about a bank account, a payment, a credit card or their credit.",
        """account_blocked application_status apr balance bill_balance bill_due card_declined
        credit_limit credit_limit_change credit_score damaged_card expiration_date freeze_account
        improve_credit_score interest_rate international_fees min_payment new_card order_checks
        pay_bill pin_change redeem_rewards replacement_card_duration report_fraud report_lost_card
        rewards_balance routing spending_history transactions transfer""",
        "direct_deposit income payday taxes rollover_401k w2 exchange_rate travel_notification",
    ),
    _topic(
        "cars and roads",
        "cars, driving, fuel, tyres and directions",
        "Somebody asks about their car, fuel and repairs, the traffic or the way to a place.",
        """current_location directions distance gas gas_type jump_start last_maintenance mpg
        oil_change_how oil_change_when schedule_maintenance tire_change tire_pressure traffic
        uber""",
        "car_rental share_location",
    ),
    _topic(
        "food",
        "food, recipes, restaurants and nutrition",
        "Somebody asks how to cook a meal, what is in it, or about a restaurant.",
        """accept_reservations calories cancel_reservation confirm_reservation cook_time food_last
        how_busy ingredient_substitution ingredients_list meal_suggestion nutrition_info recipe
        restaurant_reservation restaurant_reviews restaurant_suggestion""",
        "shopping_list shopping_list_update order order_status",
    ),
    _topic(
        "travel",
        "travel, flights, hotels and luggage abroad",
        "Somebody plans a journey: flights, hotels, visas, luggage and what to see abroad.",
        """book_flight book_hotel car_rental carry_on exchange_rate flight_status
        international_visa lost_luggage plug_type timezone translate travel_alert
        travel_notification travel_suggestion vaccines""",
        "international_fees directions distance uber",
    ),
    _topic(
        "work",
        "work: salary, taxes, holidays, insurance and meetings",
        "Somebody asks about their job: pay, days off, benefits and meetings.",
        """direct_deposit income insurance insurance_change meeting_schedule next_holiday payday
        pto_balance pto_request pto_request_status pto_used rollover_401k schedule_meeting taxes
        w2""",
        "calendar calendar_update reminder reminder_update who_do_you_work_for",
    ),
)

_BANKING_TOPICS = (
    _topic(
        "cash machines",
        "cash machines and cash withdrawals",
        "A customer could not get cash from a machine, or was charged wrongly for it.",
        """atm_support card_swallowed cash_withdrawal_charge cash_withdrawal_not_recognised
        declined_cash_withdrawal pending_cash_withdrawal wrong_amount_of_cash_received
        wrong_exchange_rate_for_cash_withdrawal""",
        "top_up_by_cash_or_cheque balance_not_updated_after_cheque_or_cash_deposit pin_blocked",
    ),
    _topic(
        "exchange rates",
        "exchange rates and foreign currencies",
        "A customer asks about changing money into another currency, or at what rate.",
        """card_payment_wrong_exchange_rate exchange_charge exchange_rate exchange_via_app
        fiat_currency_support wrong_exchange_rate_for_cash_withdrawal""",
        "supported_cards_and_currencies country_support",
    ),
    _topic(
        "proof of identity",
        "verifying the identity of a customer",
        "A customer is asked to prove who they are, and asks why or how.",
        "unable_to_verify_identity verify_my_identity why_verify_identity",
        "verify_source_of_funds verify_top_up age_limit edit_personal_details",
    ),
    _topic(
        "lost and stolen",
        "lost or stolen cards and phones, and fraud",
        "A customer has lost their card or phone, or somebody else used it.",
        "compromised_card lost_or_stolen_card lost_or_stolen_phone",
        """card_payment_not_recognised cash_withdrawal_not_recognised
        direct_debit_payment_not_recognised card_swallowed""",
    ),
)

_DOLLY_TOPICS = (
    _topic(
        "creative writing",
        "creative writing: a poem, a story, a letter, a song",
        "Somebody asks for an invented text, such as a poem, a story or a speech.",
        "creative_writing",
    ),
    _topic(
        "summarisation",
        "summary of a text, main points in short",
        "Somebody asks to summarise the text that is given.",
        "summarization",
    ),
    _topic(
        "brainstorming",
        "brainstorming: a list of ideas, suggestions, ways to do something",
        "Somebody asks for several ideas or suggestions.",
        "brainstorming",
    ),
)


def clinc(data: Path) -> LabelledTexts:
    """Test requests of CLINC150 (Larson et al. 2019, CC BY 3.0) by domain."""
    path = data / "prompts" / "clinc150" / "data_full.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["test"]
    labels = [frozenset([intent]) for _, intent in rows]
    return LabelledTexts("CLINC150 requests", [text for text, _ in rows], labels, _CLINC_TOPICS)


def banking(data: Path) -> LabelledTexts:
    """Test requests of BANKING77 (Casanueva et al. 2020, CC BY 4.0) by what they are about."""
    path = data / "prompts" / "banking77" / "test.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    labels = [frozenset([row["category"]]) for row in rows]
    return LabelledTexts("BANKING77", [row["text"] for row in rows], labels, _BANKING_TOPICS)


def dolly(data: Path) -> LabelledTexts:
    """Instructions of Dolly (Databricks 2023, CC BY-SA 3.0) by the kind of task."""
    path = data / "prompts" / "dolly_3k" / "dolly_3k.json"
    rows = json.loads(path.read_text(encoding="utf-8"))
    texts = [f"{row['instruction']}\n{row['input']}".strip() for row in rows]
    labels = [frozenset([row["category"]]) for row in rows]
    return LabelledTexts("Dolly, kind of task", texts, labels, _DOLLY_TOPICS)
