"""The URL filter: parts of URLs, lists, and rules. All lists here are composed for these tests."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.errors import ConfigError
from pipeline.filters.url import URL
from pipeline.filters.url_lists import list_files, load_listing, load_words
from pipeline.filters.url_parts import host_of, parent_domains, registrable_domain, url_key


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://example.com/path", "example.com"),
        ("HTTPS://WWW.Example.COM", "www.example.com"),
        ("http://user:pass@example.com:8080/", "example.com"),
        ("http://trusted.org@example.com/", "example.com"),
        ("http://example.com\\@trusted.org/", "example.com"),
        ("http://example.com?http://trusted.org/", "example.com"),
        ("http://example.com#@trusted.org/", "example.com"),
        ("http://example.com./", "example.com"),
        ("  http://example.com/ \n", "example.com"),
        ("//example.com/a", "example.com"),
        ("example.com/a", "example.com"),
        ("example.com:80/a", "example.com"),
        ("http://ex%61mple.com/", "example.com"),
        ("http://münchen.de/", "xn--mnchen-3ya.de"),
        ("http://MÜNCHEN.de/", "xn--mnchen-3ya.de"),
        ("http://xn--mnchen-3ya.de/", "xn--mnchen-3ya.de"),
        ("http://例え。jp/", "xn--r8jz45g.jp"),
        ("http://192.168.0.1:80/", "192.168.0.1"),
        ("http://[2001:DB8::1]:80/", "[2001:db8::1]"),
        ("http://[broken", "[broken]"),
        ("http://" + "a." * 200 + "com/", ""),
        ("", ""),
        ("/", ""),
        ("http://", ""),
        ("http:///path", ""),
    ],
)
def test_host_of(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("www.example.com", "example.com"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("blog.blogspot.com", "blogspot.com"),
        ("www.city.kawasaki.jp", "city.kawasaki.jp"),
        ("www.xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd.xn--p1ai"),
        ("www.a.xn--55qx5d.cn", "a.xn--55qx5d.cn"),
        ("www.shop.test", "shop.test"),
        ("co.uk", "co.uk"),
        ("localhost", "localhost"),
        ("192.168.0.1", "192.168.0.1"),
        ("[2001:db8::1]", "[2001:db8::1]"),
        ("", ""),
    ],
)
def test_registrable_domain(host: str, domain: str) -> None:
    assert registrable_domain(host) == domain


def test_parent_domains_go_from_the_host_to_the_registrable_one() -> None:
    assert parent_domains("a.b.example.co.uk") == [
        "a.b.example.co.uk",
        "b.example.co.uk",
        "example.co.uk",
    ]
    assert parent_domains("example.com") == ["example.com"]
    assert parent_domains("") == [""]


@given(st.text() | st.from_regex(r"\w{0,4}:?/?/?[\w.:@\[\]%-]{0,30}[/?#\\]?.{0,10}"))
def test_parts_are_total(url: str) -> None:
    host = host_of(url)
    names = parent_domains(host)
    assert names[0] == host
    assert names[-1] == registrable_domain(host)
    assert all(name and host.endswith(name) for name in names[1:])
    (host + url_key(url)).encode()


def test_url_key_leaves_out_what_does_not_matter() -> None:
    key = "example.com/path?q=1"
    assert url_key("https://www.Example.com/Path?q=1#top") == key
    assert url_key("example.com/path?q=1") == key
    assert url_key(" http://example.com/path/?") != key
    assert url_key("http://example.com/") == url_key("example.com")


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """Two categories as UT1 ships them."""
    for category, domains, urls in (
        ("casino", b"# comment\nbet.example\r\n\nlucky.blogspot.com\nshared.example\n", b""),
        ("phishing", b"192.0.2.7\nshared.example\nb\xc3\xbccher.example\n", b"host.example/a/b\n"),
    ):
        (tmp_path / category).mkdir()
        (tmp_path / category / "domains").write_bytes(domains)
        if urls:
            (tmp_path / category / "urls").write_bytes(urls)
    return tmp_path


class TestLists:
    def test_folders_of_categories_categories_and_files(self, lists: Path) -> None:
        everything = [(category, kind) for category, kind, _ in list_files([str(lists)])]
        assert everything == [("casino", "domains"), ("phishing", "domains"), ("phishing", "urls")]
        one = list_files([str(lists / "casino")])
        assert one == [("casino", "domains", lists / "casino" / "domains")]
        (lists / "mine.txt").write_text("a.example\n")
        (lists / "urls-mine.txt").write_text("a.example/b\n")
        files = [str(lists / "mine.txt"), str(lists / "urls-mine.txt")]
        assert [kind for _, kind, _ in list_files(files)] == ["domains", "urls"]

    def test_lookup_names_the_first_category(self, lists: Path) -> None:
        listing = load_listing((str(lists),), "domains")
        assert len(listing) == 6
        assert listing.category("bet.example") == "casino"
        assert listing.category("shared.example") == "casino"
        assert listing.category("192.0.2.7") == "phishing"
        assert listing.category("xn--bcher-kva.example") == "phishing"
        assert listing.category("other.example") is None
        assert listing.category("# comment") is None
        assert load_listing((str(lists),), "urls").category("host.example/a/b") == "phishing"

    def test_every_name_of_a_long_list_is_found_and_no_other(self, tmp_path: Path) -> None:
        names = [f"site-{number}.example" for number in range(100_000)]
        (tmp_path / "long").write_text("\n".join(names))
        listing = load_listing((str(tmp_path / "long"),), "domains")
        assert len(listing) == len(names)
        assert all(listing.category(name) == "long" for name in names)
        assert not any(listing.category("x" + name) for name in names)

    def test_an_empty_list_lists_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "domains").write_text("")
        assert load_listing((str(tmp_path),), "domains").category("a.example") is None
        assert load_listing((), "urls").category("a.example/b") is None

    def test_missing_and_empty_folders_are_named(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="nowhere: no such file or folder"):
            list_files([str(tmp_path / "nowhere")])
        with pytest.raises(ConfigError, match="holds no list"):
            list_files([str(tmp_path)])
        with pytest.raises(ConfigError, match=r"holds none of banned_words\.txt"):
            load_words(str(tmp_path))

    def test_urls_among_domains_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "domains").write_text("a.example\nhttp://b.example/\n")
        with pytest.raises(ConfigError, match=r"holds 'http://b.example/'"):
            load_listing((str(tmp_path),), "domains")

    def test_words_are_letters_and_digits(self, tmp_path: Path) -> None:
        (tmp_path / "banned_words.txt").write_text("# comment\nHigh-Stakes\n\nroulette\n")
        words = load_words(str(tmp_path))
        assert words["banned_words.txt"] == {"highstakes", "roulette"}
        assert words["banned_subwords.txt"] == frozenset()


class TestFilter:
    def test_without_lists_everything_passes_with_zeros(self) -> None:
        result = URL().check("", "https://www.example.co.uk/casino?roulette")
        assert result.keep
        assert result.signals == {
            "domain": "example.co.uk",
            "domain_listed": 0.0,
            "url_listed": 0.0,
            "banned_words": 0.0,
            "soft_banned_words": 0.0,
            "banned_subwords": 0.0,
            "matches": "",
        }

    @pytest.mark.parametrize("url", ["", " ", "http://", "::::", "http://[", "\ud800"])
    def test_empty_and_broken_urls_measure_zeros(self, url: str, lists: Path) -> None:
        rules = URL(domain_lists=(str(lists),), banned_words=("casino",), extra_domains=("",))
        result = rules.check("", url)
        assert result.keep
        assert not any(value for value in result.signals.values() if isinstance(value, float))

    @pytest.mark.parametrize(
        ("url", "detail"),
        [
            ("http://bet.example/", "bet.example (casino)"),
            ("http://WWW.BET.example:80/a", "bet.example (casino)"),
            ("http://good.example@bet.example/", "bet.example (casino)"),
            ("http://www.lucky.blogspot.com/", "lucky.blogspot.com (casino)"),
            ("http://192.0.2.7/", "192.0.2.7 (phishing)"),
            ("http://bücher.example/", "xn--bcher-kva.example (phishing)"),
            ("http://sub.mine.example/", "mine.example"),
        ],
    )
    def test_listed_domains(self, url: str, detail: str, lists: Path) -> None:
        rules = URL(domain_lists=(str(lists),), extra_domains=("Mine.example",))
        (verdict,) = rules.check("", url).verdicts
        assert (verdict.reason, verdict.value, verdict.bound) == ("url.domain_listed.high", 1.0, 0)
        assert verdict.detail == detail

    @pytest.mark.parametrize(
        "url",
        ["http://blogspot.com/", "http://unlucky.blogspot.com/", "http://example/bet.example"],
    )
    def test_neighbours_of_listed_domains_pass(self, url: str, lists: Path) -> None:
        assert URL(domain_lists=(str(lists),)).check("", url).keep

    def test_listed_urls(self, lists: Path) -> None:
        rules = URL(domain_lists=(str(lists),), extra_urls=("https://x.example/secret",))
        for url, detail in (
            ("https://www.host.example/a/b/", "phishing"),
            ("http://HOST.example/a/b#c", "phishing"),
            ("x.example/secret", "extra_urls"),
        ):
            (verdict,) = rules.check("", url).verdicts
            assert (verdict.reason, verdict.detail) == ("url.url_listed.high", detail)
        assert rules.check("", "http://host.example/a/bc").keep
        assert rules.check("", "http://host.example/a").keep

    def test_words_count_once_each_whole_and_in_any_case(self) -> None:
        rules = URL(banned_words=("roulette",), soft_banned_words=("cards", "luck", "dice"))
        assert rules.check("", "http://a.example/roulettes/cardsluck").keep
        result = rules.check("", "http://a.example/Roulette/roulette/x%20CARDS-dice")
        assert result.signals["banned_words"] == 1.0
        assert result.signals["soft_banned_words"] == 2.0
        assert [verdict.reason for verdict in result.verdicts] == [
            "url.banned_words.high",
            "url.soft_banned_words.high",
        ]
        assert [verdict.detail for verdict in result.verdicts] == ["roulette", "cards dice"]
        assert rules.check("", "http://a.example/cards").keep

    def test_subwords_are_found_across_separators(self) -> None:
        rules = URL(banned_subwords=("lucky seven",))
        (verdict,) = rules.check("", "http://a.example/x-lucky/Seven-y").verdicts
        assert (verdict.reason, verdict.detail) == ("url.banned_subwords.high", "luckyseven")

    def test_word_lists_and_further_words_add_up(self, tmp_path: Path) -> None:
        (tmp_path / "banned_words.txt").write_text("roulette\n")
        rules = URL(word_lists=str(tmp_path), banned_words=("poker",))
        assert rules.check("", "http://a.example/roulette-poker").signals["banned_words"] == 2.0

    def test_many_matches_are_counted_and_some_named(self) -> None:
        words = tuple(f"w{number}" for number in range(9))
        (verdict,) = URL(banned_words=words).check("", "http://a/" + "/".join(words)).verdicts
        assert verdict.value == 9.0
        assert verdict.detail == "w0 w1 w2 w3 w4"

    def test_stored_signals_decide_again_with_the_same_detail(self, lists: Path) -> None:
        rules = URL(domain_lists=(str(lists),), banned_words=("a",))
        result = rules.check("", "http://bet.example/a")
        assert tuple(URL().decide(result.signals)) == result.verdicts
        assert URL().decide({**result.signals, "matches": "?"})[0].detail is None

    def test_models_name_the_content_of_every_list(self, lists: Path) -> None:
        (lists / "banned_words.txt").write_text("roulette\n")
        rules = URL(domain_lists=(str(lists / "casino"),), word_lists=str(lists))
        digest = hashlib.sha256((lists / "casino" / "domains").read_bytes()).hexdigest()
        assert rules.models()["url list casino/domains"] == digest
        assert set(rules.models()) == {"url list casino/domains", "url list banned_words.txt"}

    def test_lists_stay_behind_when_the_filter_travels(self, lists: Path) -> None:
        rules = URL(domain_lists=[str(lists)])  # type: ignore[arg-type]
        rules.check("", "http://bet.example/")
        assert len(pickle.dumps(rules)) < 1000
        assert hash(pickle.loads(pickle.dumps(rules))) == hash(rules)

    def test_a_lone_string_is_one_entry(self) -> None:
        assert URL(extra_domains="bet.example") == URL(  # type: ignore[arg-type]
            extra_domains=("bet.example",)
        )


@given(st.text())
def test_measuring_is_total(url: str) -> None:
    rules = URL(banned_words=("a",), banned_subwords=("bb",), extra_domains=("c.example",))
    signals = rules.check("", url).signals
    assert list(signals) == [signal.name for signal in URL.signals]
