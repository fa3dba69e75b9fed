"""Secrets that are recognised by their own shape: keys with a vendor's prefix, tokens, private key blocks, URLs with a
password.

The patterns find what the regular expressions of detect-secrets 1.5 find (a test compares the two), and keys of newer
vendors. They are written out here because the server redacts what it logs, and importing that package would load
`requests` and 300 modules, some 20 MB.

Each pattern is tried only where its literal part stands, and takes linear time there: repeats are bounded or
possessive.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from ccml.privacy.secret_names import is_literal, looks_drawn
from ccml.privacy.work import Span, Work

_PREFIXES: Final = {
    r"[A-Za-z0-9_-]{20,}+": "github-token ghp_ gho_ ghu_ ghs_ ghr_ github_pat_; docker-token dckr_pat_ dckr_oat_; "
    "planetscale-token pscale_tkn_ pscale_pw_ pscale_oauth_; typeform-token tfp_; duffel-token duffel_test_ "
    "duffel_live_; "
    "fly-token fo1_; frameio-token fio-u-; brevo-key xkeysib- xsmtpsib-; scalingo-token tk-us-; square-key sq0atp- "
    "sq0csp- "
    "sq0idp-; cloudflare-token cfut_ cfat_ cfk_; langsmith-key lsv2_pt_ lsv2_sk_; flutterwave-key FLWSECK- "
    "FLWSECK_TEST-",
    r"[A-Za-z0-9_-]{16,}+": "google-secret GOCSPX-; anthropic-key sk-ant-",
    r"[A-Za-z0-9]{20,}+": "npm-token npm_; huggingface-token hf_ api_org_; groq-key gsk_; xai-key xai-; "
    "perplexity-key pplx-; "
    "fireworks-key fw_; notion-token ntn_; linear-key lin_api_ lin_oauth_; infracost-key ico-; prefect-token pnu_ "
    "pnb_; "
    "supabase-key sbp_ sb_secret_; readme-key rdme_; easypost-key EZAK EZTK; clojars-token CLOJARS_ clojars_; "
    "replicate-key "
    "r8_; neon-key napi_; render-key rnd_; resend-key re_; tavily-key tvly- tvly-dev- tvly-prod-; vercel-token vcp_ "
    "vck_; "
    "cerebras-key csk-; deepgram-key dg_; buildkite-token bkua_; contentful-token CFPAT-; nvidia-key nvapi-; "
    "sentry-token sntryu_; figma-token figd_ figo_; hashnode-key hsk_; airbyte-key aby_; baseten-key bst_",
    r"[A-Za-z0-9_.-]{16,}+": "gitlab-token glpat- gldt- glft- glsoat- glrt- glcbt- glimt- glptt- glagent- gloas- "
    "glffct- "
    "GR1348941; google-token ya29. 1//0; vault-token hvs. hvb. hvr.; doppler-token dp.pt. dp.st. dp.ct. dp.sa. "
    "dp.scim. "
    "dp.audit.; dynatrace-token dt0c01. dt0s01. dt0s16.; openshift-token sha256~; dropbox-token sl.u. sl.B; "
    "sendgrid-key SG.",
    r"[0-9a-zA-Z]{10,}+": "stripe-key sk_live_ sk_test_ rk_live_ rk_test_ pk_live_ pk_test_ sk_prod_ rk_prod_ whsec_; "
    "shippo-token shippo_live_ shippo_test_; razorpay-key rzp_live_ rzp_test_; settlemint-token sm_aat_ sm_pat_ "
    "sm_sat_",
    r"[a-fA-F0-9]{20,}+": "digitalocean-token dop_v1_ doo_v1_ dor_v1_; shopify-token shpat_ shpca_ shppa_ shpss_; "
    "pulumi-token pul-; databricks-token dapi; sonar-token squ_ sqp_ sqa_; rubygems-key rubygems_; mailgun-key key- "
    "pubkey-; "
    "sourcegraph-token sgp_ sgp_local_",
    r"[A-Za-z0-9+/=_-]{24,}+": "grafana-token glsa_ glc_; sentry-token sntrys_; fly-token fm1r_ fm1a_ fm2_; "
    "onepassword-token ops_eyJ; aws-key ABSK; pypi-token pypi-Ag; atlassian-token ATATT3 ATCTT3 ATBB; heroku-key "
    "HRKU-; "
    "newrelic-key NRAK- NRII- NRJS- NRRA-; facebook-token EAAA EAAC EAAM; yandex-token AQVN; google-key AIza; "
    "postman-key "
    "PMAK-; artifactory-key cmVmd AKCp; bedrock-key bedrock-api-key-",
    r"[A-Za-z0-9+/=%]{20,}+": "azure-key AccountKey= SharedAccessKey= SharedAccessSignature=",
    r"[A-Za-z0-9-]{10,}+": "slack-token xoxb- xoxp- xoxa- xoxr- xoxs- xoxo- xoxc- xoxd- xoxe- xoxe. xapp- XOXB- XOXP-; "
    "tailscale-key tskey-",
    r"[A-Za-z0-9_-]{22}\.[A-Za-z0-9]{20,24}\.[A-Za-z0-9]{20}": "harness-token pat. sat.",
    r"[A-Z0-9]{26}(?![A-Za-z0-9])": "octopus-key API-",
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}": "launchdarkly-key sdk- mob- api-",
    r"[0-9A-Z]{16}(?![0-9a-z])": "aws-key AKIA ASIA ABIA ACCA",
    r"[A-Z0-9][0-9A-Z]{16}(?![0-9a-z])": "aws-key A3T",
    r"[A-Za-z0-9]{20}(?![A-Za-z0-9])": "alibaba-key LTAI",
    r"[0-9A-Z]{20,}+": "private-key AGE-SECRET-KEY-1",
    r"[a-z0-9]{32}(?![a-z0-9])": "twilio-key AC SK; adobe-secret p8e-",
    r"-[A-Z0-9]{6}-[A-Z0-9-]{20,40}+": "onepassword-key A3",
}  # fmt: skip
"""What follows the prefix → `kind prefix …; kind prefix …`. A prefix stands at the beginning of a word, or behind
anything that is no letter, digit or `_`."""
_VALUE_ONLY: Final = ("AccountKey=", "SharedAccessKey=", "SharedAccessSignature=")
"""Prefixes that stay, and may stand in the middle of a word."""
_WITH_DIGITS: Final = ("re_", "dg_", "fw_", "ico-", "rnd_", "csk-", "api_org_", "sha256~", "AC", "SK", "cmVmd", "SG.",
                       "xai-",                       "EAAA", "EAAC", "EAAM")  # fmt: skip
"""Prefixes with which other words begin too: three digits must follow."""
_RUN: Final = re.compile(r"[A-Za-z0-9_-]{14}")
"""Every key with a prefix has such a run; a text without one is not searched for the 200 prefixes."""


class _Prefix(NamedTuple):
    prefix: str
    kind: str
    rest: re.Pattern[str]


def _compiled() -> tuple[_Prefix, ...]:
    found: dict[str, _Prefix] = {}
    for rest, named in _PREFIXES.items():
        pattern = re.compile(rest)
        for group in named.split("; "):
            kind, *prefixes = group.split()
            for prefix in prefixes:
                found.setdefault(prefix, _Prefix(prefix, kind, pattern))
    return tuple(found.values())


PREFIXES: Final = _compiled()
_BY_PREFIX: Final = {each.prefix: each for each in PREFIXES}
BEGINS: Final = re.compile(
    r"(?<![A-Za-z0-9_])(?:{})|{}".format(
        *("|".join(map(re.escape, sorted(some, key=len, reverse=True))) for some in (_BY_PREFIX, _VALUE_ONLY))
    )
)


class Shape(NamedTuple):
    """`pattern`, tried where `trigger` stands in the lower-cased text, has a group `secret` (or is one as a whole)."""

    kind: str
    trigger: str
    pattern: re.Pattern[str]


def _shape(kind: str, trigger: str, pattern: str, flags: int = 0) -> Shape:
    return Shape(kind, trigger, re.compile(pattern, flags))


_KEY_BLOCK: Final = (
    r"BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?(?:-----)?"
    r"(?=(?:\\[nr]|\s){0,6}(?:[A-Za-z0-9+/=]{16}|Proc-Type|Version|Comment))"
    r"(?:[^-]|-(?!----END|---- END))*+(?:-----? ?END[^-\n]{0,60}-----)?"
)

_TYPED: Final = r"(?=\S{0,40}\d)(?=\S{0,40}[A-Za-z])"
"""What follows has a letter and a digit, as passwords have."""
_CALL_WITH_USER: Final = (
    r"\.(?i:auth|login)\(\s{0,3}(?P<q>\\?['\"])[^'\"\n]{1,80}+(?P=q),\s{0,3}(?P=q)(?P<secret>[^'\"\n\\]{1,200}+)"
)

SHAPES: Final = (
    # A block ends with its END line, or with the text where the log cut it off. The header alone, as somebody greps
    # for it, is no secret.
    _shape("private-key", "-----begin ", "-----" + _KEY_BLOCK),
    _shape("private-key", "begin ", _KEY_BLOCK),
    _shape("private-key", "putty-user-key-file", r"PuTTY-User-Key-File-[23][^\n]*+(?:\n[^\n]+)*+"),
    _shape("url-password", "://", r"://[^\s:/?#@\[\]'\"]{0,200}+:(?P<secret>[^\s/?#@'\"<>][^\s/@'\"<>]{0,500}+)@"),
    # A password with a slash or an @ that nobody escaped: what follows the last @ is a host.
    _shape(
        "url-password",
        "://",
        r"://[^\s:/?#@\[\]'\"]{1,200}+:(?P<secret>(?!\d{1,5}/)[^\s?#'\"<>]{1,120})@[\w.-]+(?:[:/\s'\"?]|$)",
    ),
    _shape("url-token", "://", r"://(?P<secret>(?=[^\s/@]{0,200}[0-9])[A-Za-z0-9_.~-]{20,500}+)(?::[^/@\s]{0,100}+)?@"),
    _shape("azure-signature", "sig=", r"sig=(?P<secret>[A-Za-z0-9%+/=_-]{20,}+)"),
    _shape("azure-signature", "x-amz-signature=", r"(?i)x-amz-signature=(?P<secret>[a-f0-9]{32,}+)"),
    _shape(
        "slack-webhook",
        "hooks.slack.com",
        r"(?i)hooks\.slack\.com/(?:services|workflows|triggers)/(?P<secret>[A-Z0-9_/]{8,}+)",
    ),
    _shape("discord-webhook", "/api/webhooks/", r"/api/webhooks/(?P<secret>\d{5,}+/[A-Za-z0-9_-]{20,}+)"),
    _shape("teams-webhook", ".webhook.office.com/", r"\.webhook\.office\.com/(?P<secret>[A-Za-z0-9@/_-]{32,}+)"),
    _shape("npm-token", ":_", r":_(?:auth(?:Token)?|password)[=\s]\s{0,4}(?P<secret>(?!\$)[^\s'\"<]{6,512}+)"),
    _shape("jwt", "eyj", r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{6,}+={0,2}\.[A-Za-z0-9_=-]{4,}+(?:\.[A-Za-z0-9_.+"
    r"/=-]*+)?"),
    _shape(
        "openai-key",
        "sk-",
        r"(?<![A-Za-z0-9_])sk-(?:proj-|svcacct-|admin-|or-v1-|lf-)?(?=[A-Za-z_-]{0,60}[0-9])[A-Za-z0-9_-]{20,}+",
    ),
    _shape("telegram-token", ":aa", r":(?P<secret>AA[0-9A-Za-z_-]{33})(?![0-9A-Za-z_-])"),
    _shape("terraform-token", ".atlasv1.", r"\.atlasv1\.(?P<secret>[A-Za-z0-9_-]{40,}+)"),
    _shape("softlayer-key", "api.softlayer.com", r"(?i)api\.softlayer\.com/soap/v3(?:\.1)?/(?P<secret>[a-z0-9]{64})"),
    _shape(
        "password",
        "login ",
        r"(?i)login\s{1,4}\S{1,80}+\s{1,4}password\s{1,4}(?P<secret>[^\s'\"]{1,200}+)",
    ),
    _shape("password", "identified by", r"identified by (?P<q>['\"])(?P<secret>[^'\"<\n][^'\"\n]{0,200}+)(?P=q)", re.I),
    _shape(
        "password",
        "identified with",
        r"identified with\s{1,4}\S{1,40}+\s{1,4}(?:by|as)\s{1,4}(?P<q>['\"])(?P<secret>[^'\"<\n][^'\"\n]{0,200}+)"
        r"(?P=q)",
        re.I,
    ),
    _shape("authorization", "bearer ", r"(?i)bearer\s{1,3}(?P<secret>(?=[A-Za-z_.~+/-]{0,40}[0-9])[A-Za-z0-9_.~+"
    r"/=-]{12,2000}+)"),
    _shape("authorization", "basic ", r"(?i)basic\s{1,3}(?P<secret>(?=[A-Za-z+/]{0,40}[0-9])[A-Za-z0-9+/]{12,2000}+"
    r"={0,2})"),
    # With a word list, many passwords can be found from their hash.
    _shape("password-hash", "$", r"(?<!\w)\$(?:1|2[abxy]?|5|6|y|7|apr1|argon2(?:id?|d)|P|H)\$[A-Za-z0-9./$=,+-]{16,}+"),
    _shape("password-hash", "{ssha", r"\{S?SHA[0-9-]{0,4}\}(?P<secret>[A-Za-z0-9+/=]{20,}+)", re.I),
    _shape("password-hash", "pbkdf2_", r"(?i)pbkdf2_sha\d{1,3}\$\d{3,8}\$(?P<secret>[A-Za-z0-9]{6,}+\$[A-Za-z0-9+"
    r"/=]{20,}+)"),
    _shape("password", "networkcredential", r"(?i)networkcredential(?:\]::new)?\(\s{0,3}['\"][^'\"\n]{0,80}+"
    r"['\"],\s{0,3}['\"](?P<secret>[^'\"\n]{1,200}+)"),
    _shape(
        "password",
        "sp_addlogin",
        r"(?i)sp_addlogin\s{1,4}(?:@\w{1,20}\s?=\s?)?N?'[^'\n]{1,80}+"
        r"',\s{0,3}(?:@\w{1,20}\s?=\s?)?N?'(?P<secret>[^'\n]{1,200}+)",
    ),
    _shape("password", ".auth(", _CALL_WITH_USER),
    _shape("password", ".login(", _CALL_WITH_USER),
    _shape(
        "password",
        "auth ",
        rf"(?<![\w-])AUTH\s{{1,3}}(?:[a-z]\w{{0,30}}\s)?(?P<secret>{_TYPED}[^\s'\"\\]{{6,200}}+)",
    ),
    _shape("password", 'send "', rf"send \"(?P<secret>{_TYPED}[^\"\\\n]{{6,200}}+)\\[rn]"),
    _shape("password", "user ", rf"(?i)(?<=\n)user\s{{1,3}}\S{{1,40}}+\s{{1,3}}(?P<secret>{_TYPED}\S{{6,200}}+)"),
    *(
        _shape(
            "password",
            trigger,
            r"(?i)(?:(?:log|sign)\s?in(?:\s(?:with|as|using))?|credentials?(?:\sare|\sis|:)?|creds(?:\sare|:)?)\s{1,3}"
            rf"[\w.-]{{2,32}}+\s?[/:]\s?(?P<secret>{_TYPED}[^\s'\"<>/,;]{{6,100}}+)",
        )
        for trigger in ("log in", "login", "sign in", "credential", "creds")
    ),
    # expect: the answer to a prompt for a password.
    _shape(
        "password",
        "assword",
        r"assword[^\n]{0,40}?[\"'}{*:]\s{0,4}[;{]?\s{0,4}(?:\\n)?\s{0,4}\{?\s{0,2}(?:send|exp_send)"
        r"\s{1,3}(?:--\s)?[\"{]"
        r"(?P<secret>[^\"}\\\n]{1,200}+)",
    ),
)  # fmt: skip

# A long run of letters and digits by itself: a token without a name (`cargo login 8fJ2…`).
_LONG_RUN: Final = re.compile(r"(?<![A-Za-z0-9/+_.=@%\\-])[A-Za-z0-9]{20,}+(?![A-Za-z0-9/+_.@%-])")
_DISCORD: Final = re.compile(r"(?<![A-Za-z0-9_.-])[MNO][a-zA-Z\d_-]{23,25}\.[a-zA-Z\d_-]{6}\.[a-zA-Z\d_-]{27,38}")
_TELEGRAM: Final = re.compile(r"(?<!\d)\d{8,10}:[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])")
_VAULT_OLD: Final = re.compile(r"(?<![\w./-])s\.[A-Za-z0-9]{24}(?![\w./-])")
_AZURE_AD: Final = re.compile(r"(?<![A-Za-z0-9_~.-])[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}(?![A-Za-z0-9_~.-])")
_MAILCHIMP: Final = re.compile(r"(?<![0-9A-Za-z])[0-9a-z]{32}-us[0-9]{1,2}(?![0-9A-Za-z])")
_AIRTABLE: Final = re.compile(r"(?<![A-Za-z0-9])pat[A-Za-z0-9]{14}\.[a-f0-9]{64}")
_ARTIFACTORY: Final = re.compile(
    r"(?<![A-Za-z0-9_./-])(?:AKC|AP[0-9A-F])(?=[A-Za-z]*[0-9])(?=[A-Z0-9]*[a-z])[a-zA-Z0-9]{8,200}+(?![A-Za-z0-9_./-])"
)
_PGPASS: Final = re.compile(
    r"(?<![\w.:/*-])[\w.*-]{1,100}+:(?:\d{2,5}|\*):[^:\s'\"]{1,60}+:[^:\s'\"]{1,60}+:(?P<secret>[^\s'\"]{1,200}+)"
)
# `ada:hunter2@db7`, an address without its scheme; `image:tag@sha256:…` and `npm:name@1.2.3` are none.
_USER_AT_HOST: Final = re.compile(
    r"(?<![\w/:@.+-])(?!npm:)[A-Za-z][\w.-]{1,31}:(?P<secret>(?=[\w.%+!#$&*-]{0,40}\d)(?=[\w.%+"
    r"!#$&*-]{0,40}[A-Za-z])(?!v?\d+\.)"
    r"[\w.%+!#$&*-]{6,64}+)@(?!sha\d|[\d.]+(?![\d.]))[A-Za-z0-9]"
)
_OF_A_DSN: Final = re.compile(r"(?<=,)[pP]=(?P<secret>[^\s,'\"]{3,200}+)")
# Letters of both cases, and small ones behind a digit, as people make up passwords; a name goes on with a capital one.
MIXED = r"(?=[^\sA-Z]{0,60}[A-Z])(?=[^\sa-z]{0,60}[a-z])(?=\S{0,60}\d[a-z]{2})[\w!@#$%^&*+?~-]{8,64}+"
_USER_AND_PASSWORD: Final = re.compile(
    rf"(?:(?<=[\s='\"])|\A)[a-z][\w.-]{{1,31}}+:(?P<secret>{MIXED})(?=['\"\s;|&,)\]}}]|\Z)"
)
_BEHIND_A_LETTER: Final = re.compile(rf"(?<=\s)-[pPWK]\s{{1,3}}['\"]?(?P<secret>{MIXED})(?=['\"\s;|&)]|\Z)")
_HERE_STRING: Final = re.compile(rf"<<<\s{{0,3}}['\"]?(?P<secret>{MIXED})(?=['\"]?(?:[\s;|&)]|\Z))")
_REGISTRY: Final = re.compile(
    r"(?i)/v\s{1,3}\S{0,60}(?:passw|secret|token)\S{0,60}+\s.{0,40}?/d\s{1,3}(?P<secret>[^\s'\"]{1,200}+)"
)
# What a link carries for whoever opens it: `?sig=…`, `&code=…`. Other names in a link are those of `named_values`.
_OF_A_LINK: Final = re.compile(
    r"(?i)[?&](?:sig|code|ticket|x-amz-signature|x-goog-signature|otp|magic|invite|hash|assertion|samlresponse)="
    r"(?P<secret>(?=[\w%.~+/-]{0,60}[0-9])(?=[\w%.~+/-]{0,60}[A-Za-z])[\w%.~+/=-]{8,2000}+)"
)
ANYWHERE: Final = (
    ("url-token", "://", _OF_A_LINK),
    ("password", ",p=", _OF_A_DSN),
    ("password", ":", _USER_AND_PASSWORD),
    ("password", " -", _BEHIND_A_LETTER),
    ("password", "<<<", _HERE_STRING),
    ("password", "/d ", _REGISTRY),
    ("url-password", "@", _USER_AT_HOST),
    ("discord-token", ".", _DISCORD),
    ("telegram-token", ":", _TELEGRAM),
    ("vault-token", "s.", _VAULT_OLD),
    ("azure-secret", "q~", _AZURE_AD),
    ("mailchimp-key", "-us", _MAILCHIMP),
    ("airtable-token", "pat", _AIRTABLE),
    ("artifactory-key", "a", _ARTIFACTORY),
    ("password", "pgpass", _PGPASS),
)
"""Shapes that begin with what has no letter of its own: each is searched through the text once."""

_PUBLIC_ADDRESS: Final = re.compile(r"Qm[1-9A-HJ-NP-Za-km-z]{44}|0x[0-9a-fA-F]{40}|[13][1-9A-HJ-NP-Za-km-z]{25,34}")
_BASE58: Final = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}")
_OF_A_CHAIN: Final = re.compile(
    r"solana|spl-token|anchor|phantom|wallet|address|balance|pubkey|ipfs|mint|ledger|near|tron"
)


def shape_secrets(text: str, lower: str, work: Work) -> list[Span]:
    """Secrets that are recognised by their shape. `lower` is the lower-cased text, of the same length."""
    spans: list[Span] = []
    at = 0 if _RUN.search(text) else len(text)
    while begin := BEGINS.search(text, at):
        work.spend(1)
        prefix, kind, rest = _BY_PREFIX[begin.group()]
        found = rest.match(text, begin.end())
        if found and (prefix not in _WITH_DIGITS or _has_digits(found.group())):
            spans.append(Span(begin.end() if prefix in _VALUE_ONLY else begin.start(), found.end(), kind))
        at = found.end() if found else begin.end()
    for kind, trigger, pattern in SHAPES:
        at = -1 if trigger == "://" and "@" not in text else lower.find(trigger)
        while at >= 0:
            work.spend(1)
            found = pattern.match(text, at)
            if found:
                _add(spans, found, kind)
            at = lower.find(trigger, found.end() if found else at + len(trigger))
    for kind, trigger, pattern in ANYWHERE:
        if trigger in lower:
            for found in pattern.finditer(text):
                _add(spans, found, kind)
    return spans + [
        Span(*found.span(), "token")
        for found in _LONG_RUN.finditer(text)
        if looks_drawn(found.group()) and not _is_public(found.group(), lower)
    ]


def _add(spans: list[Span], found: re.Match[str], kind: str) -> None:
    group = "secret" if "secret" in found.re.groupindex else 0
    if is_literal(found.group(group)):
        spans.append(Span(*found.span(group), kind))


def _has_digits(rest: str) -> bool:
    return sum(c.isdigit() for c in rest[:64]) >= 3


def _is_public(run: str, lower: str) -> bool:
    """An address in a block chain or in IPFS, which is published, not kept."""
    if _PUBLIC_ADDRESS.fullmatch(run):
        return True
    return _BASE58.fullmatch(run) is not None and _OF_A_CHAIN.search(lower) is not None
