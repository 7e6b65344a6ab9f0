"""What is personal data and what only looks so."""

from __future__ import annotations

import pytest

from pipeline.core.errors import ConfigError
from pipeline.pii import ALL, Kind, Policy, find_pii, kinds_of

FOUND = [
    ("email", "write to [ann.lee@mail.org], please"),
    ("email", "<[ann@mail.org]>"),
    ("email", "[x](mailto:[o'neil+a@mail.co.uk]?subject=a)"),
    ("email", "[john [dot] doe [at] mail [dot] com]"),
    ("email", "mail me: [john at mail dot com]"),
    ("email", "[ann＠mail．com]"),
    ("email", "[an\u200bn@mail.com]"),
    ("email", '["ann lee"@mail.org]'),
    ("email", "[jürgen@bücher.de]"),
    ("email", "メールは[ann@mail.jp]です"),
    ("email", "[ann@mail.com].Then more"),
    ("phone", "[+44 (0)20 7946 0958]"),
    ("phone", "[00 49 30 1234567]"),
    ("phone", "[(415) 555-0132]"),
    ("phone", "tel: [+1 415\n555 0132]"),
    ("phone", "call [4155550132] now"),
    ("phone", "[06 12 34 56 78]"),
    ("phone", "phone [٠١٧١٢٣٤٥٦٧٨]"),
    ("phone", "The London office answers on [020 7946 0958]."),
    ("phone", "<tel>[+55 11 99867-3255]</tel>"),
    ("phone", "call **[415-555-0132]** today"),
    ("phone", "?name=ann&phone=[4155550132]"),
    ("phone", "Tel([0171 1234567])"),
    ("phone", "https://wa.me/[491761234567]"),
    ("email", "http://[ann.lee@gmail.com]"),
    ("email", "ann: [ann@mail.org]:hunter"),
    ("ipv4", "via [45.33.32.156] in 3 hops"),
    ("github_token", "x-access-token:[ghp_aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5]@github.com/a/b"),
    ("ipv4", "http://[45.33.32.156]:8080/x"),
    ("ipv4", "banned [45[.]33[.]32[.]156]"),
    ("ipv6", "from [2a00:1450:4009:81f::200e] port"),
    ("ipv6", "[fe80::1ff:fe23:4567:890a%eth2]"),
    ("mac_address", "ether [00:1b:44:11:3a:b7] brd"),
    ("mac_address", "mac address [001b.4411.3ab7]"),
    ("credit_card", "card [4242-4242-4242-4242]"),
    ("credit_card", "[３７８２ ８２２４６３ １０００５]"),
    ("iban", "IBAN [DE89 3704 0044 0532 0130 00]"),
    ("iban", "pay [gb29nwbk60161331926819]"),
    ("iban", "ref 83746291004, [FR7630006000011234567890189]."),
    ("iban", "konto 4711000123456 / [DE89 3704 0044 0532 0130 00]"),
    ("credit_card", "9182,[4593817805555218],11/27"),
    ("us_ssn", "applicant [536-22-1234]"),
    ("us_ssn", "my SSN is [536221234]"),
    ("uk_nino", "[AB 12 34 56 C]"),
    ("national_id", "Steuer-ID: [86 095 742 719]"),
    ("national_id", "[RSSMRA85T10A562S]"),
    ("national_id", "CPF [390.533.447-05]"),
    ("passport", "passport no. [C01X00T47]"),
    ("street_address", "I live at [123 Main St, Apt 4B, Springfield, IL 62704]."),
    ("street_address", "[14 Acacia Avenue, London SW1A 1AA]"),
    ("street_address", "[Musterstraße 12, 10115 Berlin]"),
    ("street_address", "[12 bis rue de la Paix, 75002 Paris]"),
    ("street_address", "dirección: [Calle Mayor, 5, 28013 Madrid]"),
    ("street_address", "to [P.O. Box 1234, Boulder, CO 80301]"),
    ("crypto_wallet", "[1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa]"),
    ("crypto_wallet", "[bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq]"),
    ("crypto_wallet", "[0xde0B295669a9FD93d5F28D9Ec85E40f4cb697BAe]"),
    ("url_credentials", "[postgres://admin:s3cr%40t9X@db.corp.com:5432]/prod"),
    ("url_credentials", "[redis://:p4sSw0rd77@cache.corp.com:6379]/0"),
    ("secret", 'password = "[Tr0ub4dor&3x]"'),
    ("secret", "curl -H 'Authorization: Bearer [aB3dE5fG7hI9jK1lM3nO]'"),
    ("secret", '{"api_key": "[a8F3kd93kdLs02kd9]"}'),
    ("secret", "curl -u [ann:x9Kp2mQ7] https://ci.mail.org"),
]

SPARED = [
    "upgrade to version 1.2.3.4", "torch==2.13.0.1", "Chrome/114.0.5735.199",
    "0.0.0.0 127.0.0.1 255.255.255.0",
    "192.0.2.7 198.51.100.3 203.0.113.9 10.1.2.3 192.168.0.1", "8.8.8.8", "13.32.0.0/15",
    "::1 fe80::1 2001:db8::7",
    "std::vector<int> a::b 12:30:45", "2024-05-06T07:08:09.123456Z", "ISBN 978-3-16-148410-0",
    "order number 1234567890", "1234567 * 345678 = 426", "#ff00aa #abc",
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
    "550e8400-e29b-41d4-a716-446655440000", "user@example.com, a@b.test", "api_key = YOUR_API_KEY",
    "sk-xxxxxxxxxxxxxxxxxxxxxxxx",
    "password: ${DB_PASSWORD}", "token = os.environ['TOKEN']", "@app.route('/x')",
    "git clone git@github.com:org/repo.git",
    "npm i @scope/pkg@1.2.3", "$1,234,567.89", "postgres://user:password@localhost/db",
    "class='sk-folding-cube-wrapper-item'",
    "look at google dot com", "In 7 Easy Ways", "y = W @ x.view(1, 2)", "AKIAIOSFODNN7EXAMPLE",
    "in 2008 Wall Street fell",
    "bring your passport and 2 photos",
    "HTML5's sections 8.2.4.44 and 8.2.4.45", "rows[1::2], half[30::2]",
    "len(text) and len('20240501')", "Decimal('+35236450.6')",
    "https://$USER:$PASS@host.io", "https://deploy@git.corp.com/a", "git@github.com/org/repo",
    "rsync a ann@mail.org:/srv/x", "bot@github.com:org/repo.git", "call f(86158384)",
    "x = dial(4155550132, 3)", '"text": "91480041"', "call 12 * 4155550132",
]  # fmt: skip


@pytest.mark.parametrize(("kind", "marked"), FOUND)
def test_found(kind: str, marked: str) -> None:
    front, value, back = _parts(marked)
    found = find_pii(front + value + back)
    assert [(one.kind.value, one.value) for one in found] == [(kind, value)]
    assert found[0].start == len(front)


def _parts(marked: str) -> tuple[str, str, str]:
    """Text around the outermost brackets that mark the value."""
    if marked.startswith("[x]"):
        front, _, rest = marked[4:].partition("[")
        value, _, back = rest.partition("]")
        return "[x](" + front, value, back
    start, end = marked.index("["), marked.rindex("]")
    return marked[:start], marked[start + 1 : end], marked[end + 1 :]


@pytest.mark.parametrize("text", SPARED)
def test_spared(text: str) -> None:
    assert find_pii(text) == []


def test_keys_of_known_issuers() -> None:
    tail = "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5z"
    keys = {
        Kind.AWS_KEY: "AKIAIOSFODNN7ABCDEFG",
        Kind.GITHUB_TOKEN: f"ghp_{tail}",
        Kind.SLACK_TOKEN: "xoxb-846834331032-033137147987-CISLCMiWSvRtWigiiUTSQsG3",
        Kind.AI_KEY: f"sk-ant-api03-{tail}",
        Kind.GOOGLE_KEY: f"AIza{tail[:35]}",
        Kind.STRIPE_KEY: f"sk_live_{tail[:24]}",
    }
    for kind, key in keys.items():
        for text in (f"key {key} leaked", f"KEY='{key}'", f'{{"k": "{key}"}}'):
            assert [(one.kind, one.value) for one in find_pii(text)] == [(kind, key)]


def test_secret_key_of_aws_needs_its_name() -> None:
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzQ9v8Lk2mN"
    assert [one.kind for one in find_pii(f"aws_secret_access_key={secret}")] == [Kind.AWS_KEY]
    assert find_pii(f"see {secret}") == []


def test_private_keys_whole_escaped_and_cut_off() -> None:
    body = "\n".join(["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"] * 3)
    key = f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----"
    for text in (key, key.replace("\n", "\\n"), key[:-30]):
        (found,) = find_pii(f"here: {text}")
        assert found.kind is Kind.PRIVATE_KEY
        assert body[-40:] in found.value
    assert find_pii("-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----") == []
    assert find_pii(key.replace("PRIVATE", "PUBLIC")) == []


def test_jwt_is_read_not_guessed() -> None:
    token = (
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_X"
    )
    assert [one.kind for one in find_pii(f"Bearer {token}")] == [Kind.JWT]
    assert find_pii("eyJust.some.words") == []


def test_a_token_is_that_though_it_is_given_to_a_secret() -> None:
    token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVm"
    for front in ("Cookie: session=", "access_token=", "password: "):
        assert [(one.kind, one.value) for one in find_pii(front + token)] == [(Kind.JWT, token)]
    # What hides beside it is not given away for that.
    (found,) = find_pii(f"password: x9Kp2mQ7rT4:{token}")
    assert found.value == f"x9Kp2mQ7rT4:{token}"


def test_private_networks_of_ipv6_stay_where_they_are_asked_for() -> None:
    (found,) = find_pii("fd12:3456:789a::2", policy=Policy(private_networks=True))
    assert found.kind is Kind.IPV6


def test_policy_finds_what_is_spared() -> None:
    assert [one.kind for one in find_pii("192.168.0.12", policy=Policy(private_networks=True))] == [
        "ipv4"
    ]
    assert [
        one.kind for one in find_pii("a@example.com", policy=Policy(reserved_domains=True))
    ] == ["email"]


def test_only_the_kinds_asked_for() -> None:
    text = "ann@mail.org +14155550132"
    assert [one.kind for one in find_pii(text, {Kind.PHONE})] == [Kind.PHONE]
    assert len(find_pii(text, ALL)) == 2


def test_unknown_kind() -> None:
    with pytest.raises(ConfigError, match="did you mean 'email'"):
        kinds_of(["emial"])
