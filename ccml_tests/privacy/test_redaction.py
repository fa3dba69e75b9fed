"""Secrets, addresses and names leave the text; everything else stays."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccml.privacy.pseudonyms import Pseudonyms
from ccml.privacy.redaction import redact
from ccml.telemetry.events import Interaction, SystemState
from ccml.telemetry.redaction import redact_event
from ccml_tests.cost import cost_ratio
from ccml_tests.privacy.corpus import (
    HARMLESS,
    HELD_OUT_HARMLESS,
    HELD_OUT_WITH_SECRET,
    WITH_SECRET,
    harmless_lines,
    secret_lines,
)

SECRET_LINES = list(secret_lines(WITH_SECRET, per_template=8, seed=1))
HELD_OUT_LINES = list(secret_lines(HELD_OUT_WITH_SECRET, per_template=8, seed=2))
HARMLESS_LINES = harmless_lines(HARMLESS) + harmless_lines(HELD_OUT_HARMLESS)


DETECTORS = """ArtifactoryDetector AWSKeyDetector AzureStorageKeyDetector BasicAuthDetector CloudantDetector
    DiscordBotTokenDetector GitHubTokenDetector GitLabTokenDetector IbmCloudIamDetector IbmCosHmacDetector
    JwtTokenDetector MailchimpDetector NpmDetector OpenAIDetector PypiTokenDetector SendGridDetector SlackDetector
    SoftlayerDetector SquareOAuthDetector StripeDetector TelegramBotTokenDetector TwilioKeyDetector""".split()


def test_the_corpus_is_as_wide_as_the_bar_asks() -> None:
    families = {line.split()[0] for line, _ in SECRET_LINES} | {line.split()[0] for line in HARMLESS_LINES}
    assert len(SECRET_LINES) + len(HELD_OUT_LINES) >= 1000
    assert len(families) >= 40
    assert all(secret in line for line, secret in SECRET_LINES + HELD_OUT_LINES)


def test_ninety_nine_of_a_hundred_secrets_are_found() -> None:
    missed = [line for line, secret in SECRET_LINES if secret in redact(line)]
    assert len(missed) <= 0.01 * len(SECRET_LINES), missed[:10]


def test_most_secrets_of_programs_that_no_rule_names_are_found_too() -> None:
    missed = [line for line, secret in HELD_OUT_LINES if secret in redact(line)]
    assert len(missed) <= 0.1 * len(HELD_OUT_LINES), missed[:10]


def test_one_in_a_hundred_harmless_lines_at_most_is_taken_for_a_secret() -> None:
    wrong = [(line, redact(line)) for line in HARMLESS_LINES if "<secret:" in redact(line)]
    assert len(wrong) <= 0.01 * len(HARMLESS_LINES), wrong


def test_what_is_not_secret_about_a_secret_line_stays() -> None:
    assert redact("mysql -uroot -phunter2 shop") == "mysql -uroot -p<secret:password> shop"
    assert redact("curl -u ada:hunter2 https://x.test") == "curl -u ada:<secret:password> https://x.test"
    assert redact("psql postgres://app:pw@db/x") == "psql postgres://app:<secret:url-password>@db/x"
    assert (
        redact('curl -H "Authorization: Bearer abc123def"') == 'curl -H "Authorization: Bearer <secret:authorization>"'
    )
    assert redact("zip -P 'two words' a.zip b") == "zip -P '<secret:password>' a.zip b"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("cat /home/ada/x", "cat /home/<user>/x"),
        ("/Users/ada", "/Users/<user>"),
        (r"type C:\Users\Ada Lovelace\x.txt", r"type C:\Users\<user>\x.txt"),
        ("dir C:/Users/ada/x", "dir C:/Users/<user>/x"),
        ("ls /mnt/c/Users/ada/x", "ls /mnt/c/Users/<user>/x"),
        ("ls ~/.claude/projects/-Users-ada-project/", "ls ~/.claude/projects/-Users-<user>-project/"),
        ("-home-ada-src-app", "-home-<user>-src-app"),
        ('{"cwd": "C:\\\\Users\\\\ada\\\\x"}', '{"cwd": "C:\\\\Users\\\\<user>\\\\x"}'),
        ("mail ada.lovelace@example.com now", "mail <email> now"),
        ("git log --author=ada@example.co.uk", "git log --author=<email>"),
    ],
)
def test_addresses_and_home_directories_lose_their_names(text: str, redacted: str) -> None:
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    ["git clone git@github.com:ada/app.git", "ssh admin@10.0.0.7", "systemctl status getty@tty1.service",
     "cp a@2x.png b",
     "ls /home", "cat /home/$USER/x", "ls /Users/Shared/x", "npm i lodash@4.17.21", "curl --home-page x", ""],
)  # fmt: skip
def test_what_only_looks_like_an_address_or_a_home_stays(text: str) -> None:
    assert redact(text) == text


def test_a_private_key_goes_whole_and_a_search_for_one_stays() -> None:
    body = "MIIEowIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gun\n" * 12
    key = f"-----BEGIN RSA PRIVATE KEY-----\n{body}-----END RSA PRIVATE KEY-----"
    assert redact(f"echo '{key}' > k") == "echo '<secret:private-key>' > k"
    assert body[:40] not in redact(key[:300])
    assert redact("grep -r 'BEGIN RSA PRIVATE KEY' .") == "grep -r 'BEGIN RSA PRIVATE KEY' ."


_fragments = st.sampled_from(
    "mysql -p hunter2 password = : token secret 'x y' \" ' <secret:password> <email> ada@example.com "
    "/home/ada/x | sudo -S "
    "echo a1b2c3d4e5f6g7h8 https://u:p4ss@h/x Authorization: Bearer --token= -H ; && $( ) { } , \\ key= "
    "sk-ant-abcdefgh12345".split(" ")
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(_fragments | st.text(max_size=8), max_size=12).map(" ".join)
    | st.lists(_fragments, max_size=10).map("".join)
)
def test_redacting_twice_changes_nothing(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@pytest.mark.parametrize(
    "run",
    ["3f2b9c1e8d7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c", "TestUserLoginWithOAuth2Token", "IPv4AddressV6Converter22Test",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", "20260105T090000Z20260106", "ABCDEFGHIJKLMNOPQRSTUVWX123"],
)  # fmt: skip
def test_a_digest_or_a_long_name_is_no_token(run: str) -> None:
    assert redact(f"git show {run}") == f"git show {run}"


@pytest.mark.parametrize("line", [line for line, _ in SECRET_LINES[::8]] + HARMLESS_LINES[::3])
def test_corpus_lines_are_redacted_once_and_for_all(line: str) -> None:
    assert redact(redact(line)) == redact(line)


def test_a_typical_line_costs_about_what_detect_secrets_takes_for_it() -> None:
    from detect_secrets.core import scan
    from detect_secrets.settings import transient_settings

    lines = [line for line, _ in SECRET_LINES[::8]] + HARMLESS_LINES
    with transient_settings({"plugins_used": [{"name": name} for name in DETECTORS]}):
        assert cost_ratio(redact, lambda line: list(scan.scan_line(line)), lines) < 1.5


def test_all_that_the_shape_rules_of_detect_secrets_flag_is_found() -> None:
    """Against the package itself, on examples of each of its detectors."""
    from detect_secrets.core import scan
    from detect_secrets.settings import transient_settings

    mixed = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0u1V2w3X4y5Z6a7B8c9D0e1F2g3H4i5J6k7L8m9N0p1Q2r3S4"
    lower = mixed.lower()
    hexed = "0123456789abcdef" * 4
    examples = [
        f"curl -H X-JFrog-Art-Api:AKC{mixed[:16]} u", f"art AP6{mixed[:20]} x", "aws AKIAIOSFODNN7EXAMPLE",
        f"aws_secret_key='{mixed[:40]}'", f"AccountKey={mixed[:86]}==", "git clone https://ada:hunter2@x.test/y",
        f"cloudant_password={hexed}", f"curl https://ada:{hexed}@acc.cloudant.com",
        f"M{mixed[:23]}.{mixed[:6]}.{mixed[:27]}",
        f"ghp_{mixed[:36]}", f"gho_{mixed[:36]}", f"glpat-{mixed[:20]}", f"gldt-{mixed[:24]}", f"glrt-{mixed[:20]}",
        f"GR1348941{mixed[:20]}", f"glcbt-64_{mixed[:20]}", f"glimt-{mixed[:25]}", f"glptt-{mixed[:40]}",
        f"glagent-{mixed[:50]}", f"gloas-{mixed[:64]}", f"ibm_cloud_api_key={mixed[:44]}",
        f"cos_hmac secret_access_key={hexed[:48]}",
        f"eyJhbGciOiJIUzI1NiJ9.{mixed[:30]}.{mixed[:30]}", f"{lower[:32]}-us12",
        f"//registry.npmjs.org/:_authToken=npm_{mixed[:36]}",
        f"sk-{mixed[:20]}T3BlbkFJ{mixed[:20]}", f"pypi-AgEIcHlwaS5vcmc{mixed[:70]}",
        f"pypi-AgENdGVzdC5weXBpLm9yZw{mixed[:70]}",
        f"SG.{mixed[:22]}.{mixed[:43]}", "xoxb-1234-5678-abcdef123",
        f"https://hooks.slack.com/services/T{mixed[:8]}/B{mixed[:8]}/{mixed[:24]}",
        f"softlayer_api_key={lower[:64]}", f"https://api.softlayer.com/soap/v3/{lower[:64]}", f"sq0csp-{mixed[:43]}",
        f"sk_live_{mixed[:24]}", f"110201543:{mixed[:35]}", f"AC{lower[:32]}", f"SK{lower[:32]}",
    ]  # fmt: skip
    found_by: set[str] = set()
    with transient_settings({"plugins_used": [{"name": name} for name in DETECTORS]}):
        for line in examples + [line for line, _ in SECRET_LINES]:
            for secret in scan.scan_line(line):
                if secret.secret_value and not secret.secret_value.startswith("$"):
                    found_by.add(secret.type)
                    assert secret.secret_value not in redact(line), (secret.type, line, redact(line))
    assert len(found_by) >= 21, found_by


def test_an_event_is_stored_without_its_person() -> None:
    pseudonyms = Pseudonyms(b"k" * 32)
    event = Interaction(
        event_id="i-1",
        time=datetime(2026, 1, 5, tzinfo=UTC),
        user_id="ada",
        session_id="-Users-ada-app",
        host="adas-laptop",
        request="log in as ada@example.com with password=hunter2!",
        command="mysql -phunter2",
        directory="/home/ada/app",
        tool="bash",
        model_versions={"policy": "1.0.0"},
    )
    stored = redact_event(event, pseudonyms)
    assert stored.user_id == pseudonyms.of("user", "ada")
    assert stored.host == pseudonyms.of("host", "adas-laptop")
    assert stored.directory == "/home/<user>/app"
    assert stored.command == "mysql -p<secret:password>"
    assert stored.session_id == pseudonyms.of("identifier", "-Users-ada-app")
    assert stored.event_id == "i-1"
    assert stored.model_versions == {"policy": "1.0.0"}
    assert "ada" not in repr(stored)
    assert "hunter2" not in repr(stored)
    assert redact_event(stored, pseudonyms) == stored


def test_a_text_that_stood_in_an_event_before_is_redacted_as_then() -> None:
    pseudonyms = Pseudonyms(b"k" * 32)
    for text in [line for line, _ in SECRET_LINES[::16]] + HARMLESS_LINES[::8] + ["x" * 300 + " password=hunter2"]:
        events = [
            Interaction(
                event_id=f"{n}", time=datetime(2026, 1, 5, tzinfo=UTC), user_id="u", session_id="s", command=text
            )
            for n in range(2)
        ]
        assert [redact_event(event, pseudonyms).command for event in events] == [redact(text)] * 2


def test_an_event_without_anything_private_is_left_as_it_is() -> None:
    event = SystemState(event_id="e", time=datetime(2026, 1, 5, tzinfo=UTC), user_id="u-0123456789ab", session_id="s")
    assert redact_event(event, Pseudonyms(b"k" * 32)) is event


def test_a_server_can_redact_without_the_packages_of_the_platform() -> None:
    code = (
        "import sys, ccml.privacy.redaction, ccml.privacy.pseudonyms\n"
        "heavy = {'detect_secrets', 'requests', 'pandas', 'torch', 'numpy', 'yaml'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
