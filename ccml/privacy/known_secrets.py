"""Secrets that are recognised by their own shape: keys with a vendor's prefix, tokens, private key blocks, URLs with a
password.

The patterns find what the regular expressions of detect-secrets 1.5 find (a test compares the two), and keys of newer
vendors. They are written out here because the server redacts what it logs, and importing that package would load
`requests` and 300 modules, some 20 MB.

Every pattern takes linear time: repeats are bounded or possessive, and a look-behind stops a match from beginning in
the middle of a run.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple


class Shape(NamedTuple):
    """`pattern`'s group `secret` (or the whole match) is replaced by `<secret:kind>`.

    `triggers` are lower-case strings of which one must occur in the lower-cased text, or the pattern is not tried.
    """

    kind: str
    triggers: tuple[str, ...]
    pattern: re.Pattern[str]


def _shape(kind: str, triggers: str, pattern: str, flags: int = 0) -> Shape:
    return Shape(kind, tuple(triggers.split()), re.compile(pattern, flags))


_START = r"(?<![A-Za-z0-9_])"
_END = r"(?![A-Za-z0-9_])"

SHAPES: Final = (
    # A block ends with its END line, or with the text where the log cut it off. The header alone, as somebody greps
    # for it, is no secret.
    _shape(
        "private-key",
        "private key",
        r"(?:-----)?BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?(?:-----)?"
        r"(?=(?:\\[nr]|\s){0,6}(?:[A-Za-z0-9+/=]{16}|Proc-Type|Version|Comment))"
        r"(?:[^-]|-(?!----END|---- END))*+(?:-----? ?END[^-\n]{0,60}-----)?",
    ),
    _shape("private-key", "putty-user-key-file", r"PuTTY-User-Key-File-[23][^\n]*+(?:\n[^\n]+)*+"),
    _shape("private-key", "age-secret-key-", r"AGE-SECRET-KEY-1[0-9A-Z]{20,}+"),
    _shape("url-password", "://", r"://[^\s:/?#@\[\]'\"]{0,200}+:(?P<secret>[^\s/?#@'\"<>][^\s/@'\"<>]{0,500}+)@"),
    _shape("url-token", "://", r"://(?P<secret>(?=[^\s/@]{0,200}[0-9])[A-Za-z0-9_.~-]{20,500}+)(?::[^/@\s]{0,100}+)?@"),
    _shape("aws-key", "a3t abia acca akia asia", _START + r"(?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)[0-9A-Z]{16}"),
    _shape(
        "aws-key",
        "aws",
        r"(?i:aws).{0,20}?(?i:key|pwd|pw|password|pass|token).{0,20}?['\"](?P<secret>[0-9a-zA-Z/+]{40})['\"]",
    ),
    _shape(
        "azure-key", "accountkey= sharedaccesskey=", r"(?i:AccountKey|SharedAccessKey)=(?P<secret>[A-Za-z0-9+/=]{20,}+)"
    ),
    _shape("azure-signature", "sig=", r"[?&]sig=(?P<secret>[A-Za-z0-9%+/=]{20,}+)"),
    _shape("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9_]{20,}+"),
    _shape("github-token", "github_pat_", r"github_pat_[A-Za-z0-9_]{20,}+"),
    _shape(
        "gitlab-token",
        "gl gr1348941",
        r"(?:gl(?:pat|dt|ft|soat|rt|cbt|imt|ptt|agent|oas|ffct)-|GR1348941)[A-Za-z0-9_\-.]{16,}+",
    ),
    _shape("slack-token", "xox xapp-", r"(?i:xox[a-z]|xapp)-[A-Za-z0-9-]{8,}+"),
    _shape(
        "slack-webhook",
        "hooks.slack.com",
        r"(?i)hooks\.slack\.com/(?:services|workflows|triggers)/(?P<secret>[A-Z0-9_/]{8,}+)",
    ),
    _shape(
        "discord-webhook",
        "/api/webhooks/",
        r"discord(?:app)?\.com/api/webhooks/(?P<secret>\d{5,}+/[A-Za-z0-9_-]{20,}+)",
    ),
    _shape("stripe-key", "k_live_ k_test_ whsec_", r"(?:(?:[rsp]k_(?:live|test))|whsec)_[0-9a-zA-Z]{10,}+"),
    _shape("square-key", "sq0", r"sq0[a-z]{3}-[0-9A-Za-z\\_-]{20,}+"),
    _shape("pypi-token", "pypi-", r"pypi-[A-Za-z0-9_-]{30,}+"),
    _shape("npm-token", "npm_", r"npm_[A-Za-z0-9]{20,}+"),
    _shape("npm-token", ":_auth", r":_auth(?:Token)?[=\s]\s*(?P<secret>(?!\$)[^\s'\"<]{6,})"),
    _shape("jwt", "eyj", r"eyJ[A-Za-z0-9_=-]{6,}+\.[A-Za-z0-9_=-]{4,}+(?:\.[A-Za-z0-9_.+/=-]*+)?"),
    _shape("anthropic-key", "sk-ant-", r"sk-ant-[A-Za-z0-9_-]{8,}+"),
    _shape(
        "openai-key",
        "sk-",
        _START + r"sk-(?:proj-|svcacct-|admin-|or-v1-|lf-)?(?=[A-Za-z_-]{0,60}[0-9])[A-Za-z0-9_-]{20,}+",
    ),
    _shape("openai-key", "t3blbkfj", r"sk-[A-Za-z0-9_-]{20,200}+"),
    _shape("google-key", "aiza", r"AIza[0-9A-Za-z_-]{30,}+"),
    _shape("google-token", "ya29. gocspx-", r"(?:ya29\.|GOCSPX-)[0-9A-Za-z_-]{16,}+"),
    _shape("huggingface-token", "hf_", _START + r"hf_[A-Za-z0-9]{20,}+"),
    _shape("vault-token", "hvs. hvb. hvr.", _START + r"hv[sbr]\.[A-Za-z0-9_-]{16,}+"),
    _shape("vault-token", "s.", r"(?<![\w./-])s\.[A-Za-z0-9]{24}(?![\w./-])"),
    _shape("sendgrid-key", "sg.", _START + r"SG\.[a-zA-Z0-9_-]{16,64}+\.[a-zA-Z0-9_-]{16,64}+"),
    _shape("mailchimp-key", "-us", r"(?<![0-9A-Za-z])[0-9a-z]{32}-us[0-9]{1,2}"),
    _shape("mailgun-key", "key-", _START + r"key-[0-9a-f]{32}" + _END),
    _shape("twilio-key", "ac sk", _START + r"(?:AC|SK)[a-z0-9]{32}"),
    _shape("telegram-token", ":", r"(?<!\d)\d{8,10}:[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])"),
    _shape("discord-token", ".", r"(?<![A-Za-z0-9_.-])[MNO][a-zA-Z\d_-]{23,25}\.[a-zA-Z\d_-]{6}\.[a-zA-Z\d_-]{27,38}"),
    _shape(
        "artifactory-key",
        "akc ap",
        r"(?<![A-Za-z0-9_./-])(?:AKC"
        r"|AP[0-9A-F])(?=[A-Za-z]*[0-9])(?=[A-Z0-9]*[a-z])[a-zA-Z0-9]{8,}+(?![A-Za-z0-9_./-])",
    ),
    _shape("digitalocean-token", "do", _START + r"do[opr]_v1_[a-f0-9]{40,}+"),
    _shape("databricks-token", "dapi", _START + r"dapi[a-f0-9]{32}"),
    _shape("shopify-token", "shp", _START + r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{20,}+"),
    _shape("linear-key", "lin_api_", r"lin_api_[A-Za-z0-9]{20,}+"),
    _shape("notion-token", "ntn_ secret_", _START + r"(?:ntn|secret)_[A-Za-z0-9]{40,}+"),
    _shape("tailscale-key", "tskey-", r"tskey-[a-z]+-[A-Za-z0-9-]{10,}+"),
    _shape("grafana-token", "glsa_ glc_", r"(?:glsa|glc)_[A-Za-z0-9_+/=-]{20,}+"),
    _shape("newrelic-key", "nrak-", r"NRAK-[A-Z0-9]{20,}+"),
    _shape("pulumi-token", "pul-", _START + r"pul-[a-f0-9]{40}"),
    _shape("docker-token", "dckr_", r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{16,}+"),
    _shape("terraform-token", ".atlasv1.", r"[A-Za-z0-9]{10,20}\.atlasv1\.[A-Za-z0-9_-]{40,}+"),
    _shape("doppler-token", "dp.", _START + r"dp\.[a-z]{2,5}\.[A-Za-z0-9]{30,}+"),
    _shape("planetscale-token", "pscale_", r"pscale_[a-z]+_[A-Za-z0-9_.-]{20,}+"),
    _shape("sentry-token", "sntrys_ sntryu_", r"sntry[su]_[A-Za-z0-9_=+/-]{20,}+"),
    _shape("groq-key", "gsk_ xai- pplx- r8_", _START + r"(?:gsk_|xai-|pplx-|r8_)[A-Za-z0-9]{24,}+"),
    _shape("softlayer-key", "api.softlayer.com", r"(?i)api\.softlayer\.com/soap/v3(?:\.1)?/(?P<secret>[a-z0-9]{64})"),
    # Cloudant, IBM Cloud, IBM COS and SoftLayer: a key of exact length after a name and perhaps only a blank.
    _shape(
        "cloud-key",
        "key pwd pw pass token",
        r"(?i)(?:key|pwd|pw|password|pass|token)[\"']?\]? *(?:=>|:=|::|=|:| ) *[\"']?"
        r"(?P<secret>[0-9a-f]{64}|[0-9a-f]{48}|(?=[a-z_-]*[0-9])[a-z0-9_-]{44}|[a-z0-9]{64})(?![A-Za-z0-9_-])",
    ),
    _shape("password", "login", r"(?i)\blogin\s{1,4}\S{1,80}+\s{1,4}password\s{1,4}(?P<secret>[^\s'\"]{1,200}+)"),
    _shape(
        "password", "<(", r"(?i)pass[\w-]{0,24}[=\s]<\((?:echo|printf)\s(?:-\w\s)?['\"]?(?P<secret>[^\s'\")]{1,200}+)"
    ),
    # With a word list, many passwords can be found from their hash.
    _shape("password-hash", "$", r"(?<![\w])\$(?:1|2[abxy]?|5|6|y|apr1|argon2(?:id?|d))\$[A-Za-z0-9./$=,+-]{16,}+"),
    _shape(
        "password",
        "identified password",
        r"(?i)\b(?:identified\s{1,4}(?:with\s{1,4}\S{1,40}+\s{1,4})?by|"
        r"(?:with|encrypted|login|user|role|set"
        r"|for)\b[^\n'\"]{0,80}?\bpassword(?:\s{1,4}for\s{1,4}\S{1,60}+)?)\s{0,4}(?:=\s{0,4}|\()?"
        r"(?<=[\s=(])(?P<q>['\"])(?P<secret>[^'\"<\n][^'\"\n]{0,200}+)(?P=q)",
    ),
)
