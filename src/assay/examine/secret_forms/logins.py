"""Rules for settings: logins at other services, and settings that only their name tells.

Sources: the manual pages named beside the rules.
"""

from assay.examine.secret_forms.rules import IS, QUOTED, STORED, UCI, VALUE, WORD, In, rule

# ldap.conf(5) of nss_ldap and nslcd, slapd.conf(5), netrc(5), libpq .pgpass, rsyncd.conf(5),
# Postfix SASL_README, msmtp(1), ddclient(8), mosquitto.conf(5).
ACCOUNTS = (
    rule("ldap-bindpw", "bindpw", rb"^[ \t]*bindpw[ \t]+" + VALUE),
    rule(
        "ldap-bindpw",
        "bindpw bind_password ldap_default_authtok bindpassword",
        rb"(?<![a-z])(?:ldap_?)?(?:bindpw|bind_?password|ldap_default_authtok)" + IS + VALUE,
        where=STORED,
    ),
    rule("ldap-rootpw", "rootpw", rb"^[ \t]*rootpw[ \t]+" + VALUE, r"ldap"),
    rule(
        "netrc",
        "password",
        rb"(?:\bmachine[ \t]+(?P<holder>\S{1,200})[^\n#]{0,200}?[ \t]|^|\s)password[ \t]+" + VALUE,
        r"(?:^|/)[._]netrc$",
    ),
    rule(
        "pgpass",
        "",
        rb"^(?P<holder>[^:#\n]*(?::[^:\n]*){3}):(?P<value>[^\n]{1,200})$",
        r"(?:^|/)\.?pgpass(?:\.conf)?$",
    ),
    rule(
        "rsync-secret",
        "",
        rb"^(?P<holder>@?[\w.-]{1,60}):(?P<value>[^\s:]{1,200})\r?$",
        r"(?:^|/)rsync[^/]*(?:secret|passw)[^/]*$",
    ),
    rule(
        "mqtt-password",
        "password",
        rb"^[ \t]*(?:remote_)?password[ \t]+" + VALUE,
        r"mosquitto[^/]*\.conf$|mosquitto/conf\.d/",
    ),
    rule(
        "mqtt-password",
        "mqtt",
        rb"(?<![a-z])[\w.-]{0,20}mqtt[\w.-]{0,20}?(?:passw(?:or)?d|pass|pwd)[\"']?" + IS + VALUE,
        where=STORED,
    ),
    rule(
        "mail-password",
        "pass",
        rb"\b(?:with[ \t]+)?pass(?:word)?[ \t]+" + VALUE,
        r"(?:^|/)\.?fetchmailrc$",
    ),
    rule(
        "webdav-password",
        "",
        rb"^[ \t]*(?P<holder>(?:https?://|/)\S+)[ \t]+\S+[ \t]+" + VALUE,
        r"davfs2/secrets$",
    ),
    rule(
        "smtp-password",
        "",
        rb"^(?P<holder>[^\s#]+)[ \t]+[^\s:]+:(?P<value>\S{1,200})",
        r"sasl_?passwd$",
    ),
    rule(
        "smtp-password",
        "password authpass",
        rb"^[ \t]*(?:password|AuthPass)(?:[ \t]*=[ \t]*|[ \t]+)" + VALUE,
        r"(?:^|/)\.?(?:msmtprc|ssmtp\.conf|revaliases)$",
    ),
)

# ddclient(8), inadyn.conf(5), OpenWrt's ddns UCI.
DYNDNS = (
    rule(
        "dyndns-password",
        "password",
        rb"(?:^|[\s,])(?:option[ \t]+)?password(?:" + IS + rb"|[ \t]+)" + VALUE,
        r"(?:ddclient|ddns|inadyn|dyndns|no-?ip)[^/]*\.(?:conf|cfg)$|(?:^|/)config/[^/]*ddns[^/]*$",
    ),
)

# uci, nvram, INI, shell, JSON and XML: the setting's name alone says what it is.
_NAME = (
    rb"(?:password|passwd|passphrase|passwort|pswd|(?<![a-z])pwd|(?<![a-z])pass|secret"
    rb"|(?:api|access|auth|secret|private|license)[_-]?(?:key|token)|auth[_-]?token)"
)
_NAMES = (
    "password passwd passphrase passwort pswd pwd pass secret api_key apikey api-key accesskey "
    "access_key access-key authkey auth_key auth-key auth_token authtoken auth-token access_token "
    "accesstoken access-token api_token apitoken license_key"
)
_HASH = (
    rb"\$(?:1|5|6|apr1|md5|sha1|y|gy|7|2[abxy])\$[./A-Za-z0-9$=,]{0,110}?[./A-Za-z0-9]{22,86}"
    rb"(?![./A-Za-z0-9$])"
)
GENERAL = (
    # mosquitto_passwd(1): salt and hash in base64.
    rule(
        "password-hash",
        "$6$ $7$",
        rb"^(?P<holder>[^:\s]{1,80}):(?P<value>\$[67]\$(?:\d{1,9}\$)?[A-Za-z0-9+/]{8,40}={0,2}\$"
        rb"[A-Za-z0-9+/]{86}==)",
        where=STORED,
    ),
    rule(
        "password-hash",
        "$1$ $5$ $6$ $y$ $apr1$ $2a$ $2b$ $2y$",
        rb"(?:(?<![\w-])(?P<holder>[a-z_][\w-]{0,31}):)?(?<![\w$])(?P<value>" + _HASH + rb")",
        where=STORED | In.ELF,
    ),
    rule(
        "generic-password",
        "option",
        UCI + rb"(?:[\w-]{0,40}?)" + _NAME + rb"[ \t]+" + WORD,
        r"(?:^|/)(?:config|uci-defaults|defconfig)/",
        general=True,
    ),
    rule(
        "generic-password",
        "password secret",
        rb"\buci[ \t](?:-q[ \t])?set[ \t]+['\"]?[\w.@\[\]-]{1,100}" + _NAME + rb"=" + WORD,
        general=True,
    ),
    rule(
        "generic-password",
        _NAMES,
        rb"(?<![\w$.-])(?:[\w.-]{0,50}?)" + _NAME + rb"\d?[\"']?" + IS + QUOTED,
        where=STORED,
        general=True,
    ),
    rule(
        "generic-password",
        _NAMES,
        rb"(?:^|(?<=[\0;?&])|(?<=export ))[ \t]*(?:[\w.-]{0,50}?)" + _NAME + rb"\d?"
        rb"(?:[ \t]*(?::=|=>|=)[ \t]*|:[ \t]*(?=[\"'])|:[ \t]*(?=\S{1,200}[ \t]*(?:[#\r\n\0]|$)))"
        + WORD,
        where=STORED,
        general=True,
    ),
    rule(
        "generic-password",
        _NAMES,
        rb"<(?P<tag>[\w:.-]{0,40}?"
        + _NAME
        + rb")\b[^>/]{0,200}>(?P<value>[^<>]{1,128})</(?P=tag)>",
        where=STORED,
        general=True,
    ),
    rule(
        "generic-password",
        "password= passwd= pwd= pass=",
        rb"(?<![\w$.%-])(?:[\w.-]{0,40}?[_.-])?(?:password|passwd|pwd|pass)="
        rb"(?P<value>[!-~]{4,64}+)(?=[\0\n])",
        where=In.ELF,
        general=True,
    ),
)
