"""Rules for settings: passwords and shared keys in the configuration of services.

A rule without anchors is held against every line of the files that its `places` names.
Sources: the manual pages and data models named beside the rules.
"""

from assay.examine.secret_forms.rules import IS, QUOTED, STORED, VALUE, In, rule

_UCI = rb"^[ \t]*option[ \t]+"

# hostapd.conf(5), wpa_supplicant.conf(5), OpenWrt's wireless UCI, nm-settings(5), TR-181
# Device.WiFi.AccessPoint.{i}.Security.
WIFI = (
    rule(
        "wifi-psk",
        "wpa_passphrase wpa_psk sae_password psk wep_key",
        rb"(?<![a-z])(?:[\w.-]{1,40}[._])?(?:wpa_passphrase|wpapsk\d?|wpa_psk|sae_password|psk|wep_key\d)"
        + IS
        + VALUE,
        where=STORED,
    ),
    rule(
        "wifi-psk",
        "option",
        _UCI + rb"(?:key\d?|sae_password|wpakey)[ \t]+" + VALUE,
        r"(?:^|/)(?:wireless|wifi)[^/]*$",
    ),
    rule(
        "wifi-psk",
        "presharedkey keypassphrase",
        rb"<(?:\w+:)?(?:PreSharedKey|KeyPassphrase)\b[^>]{0,200}>(?P<value>[^<]{1,128})<",
        where=STORED,
    ),
)

# pppd(8) "AUTHENTICATION"; OpenWrt's network UCI.
PPP = (
    rule(
        "ppp-secret",
        "",
        rb"""^[ \t]*(?P<holder>"[^"\n]*"|[^\s#"]+)[ \t]+(?:"[^"\n]*"|[^\s"]+)[ \t]+"""
        rb"""(?:"(?P<v1>[^"\n]{1,200})"|'(?P<v2>[^'\n]{1,200})'|(?P<v3>[^\s"']{1,200}))""",
        r"(?:^|/)(?:chap|pap|srp|eap)-secrets[^/]*$",
    ),
    rule(
        "ppp-secret",
        "pppoe ppp_ pptp l2tp",
        rb"(?<![a-z])[\w.-]{0,30}(?:pppoe|ppp|pptp|l2tp)[\w.-]{0,20}?(?:passw(?:or)?d|pass|pwd)"
        + IS
        + VALUE,
        where=STORED,
    ),
    rule(
        "ppp-secret",
        "option",
        _UCI + rb"password[ \t]+" + VALUE,
        r"(?:^|/)config/network[^/]*$",
    ),
    rule("ppp-secret", "password", rb"^[ \t]*password[ \t]+" + VALUE, r"(?:^|/)ppp/peers/[^/]+$"),
)

# Broadband Forum TR-098 and TR-181, ManagementServer.
TR069 = (
    rule(
        "tr069-password",
        "connectionrequestpassword",
        rb"ConnectionRequestPassword\b[^>\n]{0,200}?(?:>|[=:][ \t]*[\"']?|[ \t]+[\"'])"
        rb"(?P<value>[^<\"'\s>]{1,128})",
        where=STORED,
    ),
    rule(
        "tr069-password",
        "<password",
        rb"<Password\b[^>]{0,200}>(?P<value>[^<]{1,128})<",
        where=STORED,
        context=rb"<(?:ManagementServer|cwmp|tr069|acs)\b(?:(?!</(?:ManagementServer|cwmp|tr069|acs)>).)*$",
    ),
    rule(
        "tr069-password",
        "tr069 cwmp acs_ tr-069 managementserver",
        rb"(?<![a-z])[\w.-]{0,30}(?:tr[-_]?069|cwmp|acs|ManagementServer)[\w.-]{0,30}?"
        rb"(?:password|passwd|pass|pwd)" + IS + VALUE,
        where=STORED,
    ),
    rule(
        "tr069-password",
        "option",
        _UCI + rb"(?:\w{0,30}_)?(?:password|passwd|pass)[ \t]+" + VALUE,
        r"(?:^|/)[^/]*(?:cwmp|tr-?069|genieacs|acs)[^/]*$",
    ),
)

# snmpd.conf(5), snmptrapd.conf(5), snmp.conf(5).
SNMP = (
    rule(
        "snmp-community",
        "rocommunity rwcommunity trapcommunity authcommunity defcommunity",
        rb"^[ \t]*(?:r[ow]community6?|trapcommunity|defcommunity|authcommunity[ \t]+[\w,]+)[ \t]+"
        rb"(?:-s[ \t]+\S+[ \t]+)?" + VALUE,
    ),
    rule(
        "snmp-community",
        "com2sec",
        rb"^[ \t]*com2sec6?[ \t]+(?:-Cn[ \t]+\S+[ \t]+)?\S+[ \t]+\S+[ \t]+" + VALUE,
    ),
    rule(
        "snmp-community",
        "trapsink trap2sink informsink",
        rb"^[ \t]*(?:trap2?sink|informsink)[ \t]+\S+[ \t]+" + VALUE,
    ),
    rule(
        "snmp-community",
        "community",
        _UCI + rb"(?:ro_?|rw_?|trap_?)?community[ \t]+" + VALUE,
        r"(?:^|/)[^/]*snmp[^/]*$",
    ),
    rule(
        "snmp-community",
        "community",
        rb"(?<![a-z])(?:snmp[\w.]{0,20}|r[ow]_?|trap_?)community" + IS + VALUE,
        where=STORED,
    ),
    rule(
        "snmp-user",
        "createuser",
        rb"^[ \t]*createUser[ \t]+(?:-e[ \t]+\S+[ \t]+)?(?P<holder>\S+)[ \t]+"
        rb"(?:MD5|SHA(?:-?\d{3})?)[ \t]+(?:-[mlk][ \t]+)?" + VALUE,
    ),
    rule(
        "snmp-user",
        "createuser",
        rb"^[ \t]*createUser[ \t]+(?P<holder>\S+)[^\n]{1,260}[ \t](?:DES|AES(?:-?\d{3}C?)?)[ \t]+"
        rb"(?:-[mlk][ \t]+)?" + VALUE,
    ),
    rule(
        "snmp-user",
        "defauthpassphrase defprivpassphrase defpassphrase",
        rb"^[ \t]*def(?:auth|priv)?passphrase[ \t]+" + VALUE,
    ),
)

# openvpn(8) --auth-user-pass, ipsec.secrets(5), swanctl.conf(5), racoon's psk.txt, wg(8).
VPN = (
    rule(
        "openvpn-auth",
        "",
        rb"(?s)\A[^\n]{1,80}\n(?P<value>[^\n]{1,128})\n?\Z",
        r"openvpn/(?:.*/)?[^/]*(?:auth|pass|login|cred|secret)[^/]*$",
    ),
    rule(
        "openvpn-auth",
        "<auth-user-pass>",
        rb"<auth-user-pass>\s{1,4}(?P<holder>[^\n<]{1,80})\n(?P<value>[^\n<]{1,128})",
    ),
    rule(
        "ipsec-psk",
        "psk",
        rb"^[ \t]*(?P<holder>[^:#\n]{0,120}):[ \t]*PSK[ \t]+" + VALUE,
        r"ipsec|strongswan|swan|secrets",
    ),
    rule(
        "ipsec-eap",
        "eap xauth ntlm",
        rb"^[ \t]*(?P<holder>[^:#\n]{0,120}):[ \t]*(?:EAP|XAUTH|NTLM)[ \t]+" + VALUE,
        r"ipsec|strongswan|swan|secrets",
    ),
    rule("ipsec-psk", "secret", rb"^[ \t]*secret" + IS + VALUE, r"swanctl|strongswan"),
    rule("ipsec-psk", "", rb"^[ \t]*(?P<holder>[^\s#]+)[ \t]+" + VALUE, r"racoon/psk[^/]*$"),
    rule(
        "ipsec-psk",
        "pre_shared_key pre-shared-key",
        rb"(?:^|[\s_.\"'])pre[_-]shared[_-]key[\"']?" + IS + VALUE,
        where=STORED,
    ),
    rule(
        "wireguard-key",
        "privatekey presharedkey private_key preshared_key",
        rb"^[ \t]*(?:option[ \t]+)?(?:wg\d?_)?(?:private|preshared)_?key(?:" + IS + rb"|[ \t]+)"
        rb"[\"']?(?P<value>[A-Za-z0-9+/]{43}=)",
    ),
)

# clients.conf of FreeRADIUS, hostapd.conf(5), OpenWrt's wireless UCI, pam_radius_auth.
RADIUS = (
    rule(
        "radius-secret",
        "secret",
        rb"^[ \t]*secret" + IS + VALUE,
        r"(?:radius|raddb)/.*clients[^/]*$|(?:^|/)clients\.conf[^/]*$|(?:radius|raddb)/.*proxy\.conf$",
    ),
    rule(
        "radius-secret",
        "shared_secret auth_secret acct_secret radius_secret radius_key",
        rb"(?<![a-z])[\w.]{0,20}(?:(?:auth|acct)_(?:server_shared_)?|radius_(?:server_)?|shared_)"
        rb"(?:secret|key)(?:" + IS + rb"|[ \t]+)" + VALUE,
        where=STORED,
    ),
    rule(
        "radius-secret",
        "",
        rb"^[ \t]*(?P<holder>[^\s#]+)[ \t]+" + VALUE,
        r"(?:raddb/server|pam_radius_auth\.conf|radiusclient[^/]*/servers)$",
    ),
)

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
        rb"(?:\bmachine[ \t]+(?P<holder>\S+)|\bdefault)?[^\n#]{0,200}?(?:^|\s)password[ \t]+"
        + VALUE,
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
        rb"^(?P<holder>@?[\w.-]{1,60}):(?P<value>[^\s:]{1,200})$",
        r"(?:^|/)rsync[^/]*(?:secret|passw)[^/]*$",
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
    rule(
        "password-hash",
        "$1$ $5$ $6$ $y$ $apr1$ $2a$ $2b$ $2y$",
        rb"(?:(?<![\w-])(?P<holder>[a-z_][\w-]{0,31}):)?(?<![\w$])(?P<value>" + _HASH + rb")",
        where=STORED | In.ELF,
    ),
    rule(
        "generic-password",
        "option",
        _UCI + rb"(?:[\w-]{0,40}?)" + _NAME + rb"[ \t]+" + VALUE,
        r"(?:^|/)(?:config|uci-defaults|defconfig)/",
        general=True,
    ),
    rule(
        "generic-password",
        "password secret",
        rb"\buci[ \t](?:-q[ \t])?set[ \t]+['\"]?[\w.@\[\]-]{1,100}" + _NAME + rb"=" + VALUE,
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
        rb"(?:^|(?<=[\0;?&])|(?<=export ))[ \t]*(?:[\w.-]{0,50}?)" + _NAME + rb"\d?" + IS + VALUE,
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

SETTINGS = (*WIFI, *PPP, *TR069, *SNMP, *VPN, *RADIUS, *ACCOUNTS, *GENERAL)
