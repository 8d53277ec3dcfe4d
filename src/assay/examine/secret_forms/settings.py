"""Rules for settings: passwords and shared keys in the configuration of network services.

A rule without anchors is held against every line of the files that its `places` names.
Sources: the manual pages and data models named beside the rules.
"""

from assay.examine.secret_forms.rules import IS, STORED, UCI, VALUE, rule

# hostapd.conf(5), wpa_supplicant.conf(5), OpenWrt's wireless UCI, nm-settings(5), TR-181
# Device.WiFi.AccessPoint.{i}.Security.
WIFI = (
    rule(
        "wifi-psk",
        "wpa_passphrase= sae_password=",
        rb"^[ \t]*(?:wpa_passphrase|sae_password)="
        rb"(?P<value>[^\n\0\"']{8,63})(?=\r?(?:[\n\0]|$))",
        r"hostapd[^/]*$|hostapd/",
    ),
    rule(
        "wifi-psk",
        "",
        rb"^[ \t]*(?:[a-z]+=\S+[ \t]+)*(?P<holder>(?:[0-9a-f]{2}:){5}[0-9a-f]{2})[ \t]+"
        rb"(?P<value>[^\n\0]{8,64})$",
        r"wpa_psk[^/]*$",
    ),
    # wpa_passphrase(8) writes the passphrase behind a comment sign, above the key made of it.
    rule(
        "wifi-psk",
        '#psk="',
        rb'^[ \t]*#psk="(?P<value>[^\n"]{8,63})"',
        r"wpa|wifi|wlan",
        commented=True,
    ),
    rule(
        "wps-pin",
        "pin secret_code",
        rb"(?<![a-z])(?:[\w.-]{0,20}wps_?(?:device_?)?pin|(?:ap|device)_?pin|secret_code)[\"']?"
        + IS
        + rb"[\"']?(?P<value>\d{8})(?!\d)",
        where=STORED,
    ),
    rule(
        "eap-password",
        "",
        rb"^[ \t]*\"(?P<holder>[^\"\n]{1,64})\"[ \t]+[A-Z][\w,-]*[ \t]+"
        rb"\"(?P<value>[^\"\n]{1,128})\"",
        r"eap_user[^/]*$",
    ),
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
        UCI + rb"(?:key\d?|sae_password|wpakey)[ \t]+" + VALUE,
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
        UCI + rb"password[ \t]+" + VALUE,
        r"(?:^|/)config/network[^/]*$",
    ),
    rule(
        "ppp-secret",
        "password",
        rb"^[ \t]*password[ \t]+" + VALUE,
        r"(?:^|/)ppp/(?:peers/[^/]+|options[^/]*)$",
    ),
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
        UCI + rb"(?:\w{0,30}_)?(?:password|passwd|pass)[ \t]+" + VALUE,
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
        UCI + rb"(?:ro_?|rw_?|trap_?)?community[ \t]+" + VALUE,
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

# Asterisk's sip.conf and pjsip.conf, TR-104 (VoiceProfile…AuthPassword).
SIP = (
    rule(
        "sip-password",
        "register",
        rb"^[ \t]*register[ \t]*=>?[ \t]*(?:\w+://)?(?P<holder>[^:\s@]{1,80})(?:@[\w.-]{1,80})?:"
        rb"(?P<value>[^:@\s]{1,128})(?::[^@\s]{0,80})?@",
    ),
    rule(
        "sip-password",
        "secret password",
        rb"^[ \t]*(?:secret|password)" + IS + VALUE,
        r"(?:^|/)(?:pj)?sip[^/]*\.conf$|asterisk/(?:users|iax)\.conf$",
    ),
    rule(
        "sip-password",
        "authpassword sip_",
        rb"(?:<(?:\w+:)?AuthPassword\b[^>]{0,200}>|AuthPassword[\"']?"
        + IS
        + rb"[\"']?|(?<![a-z])[\w.]{0,20}sip_[\w.]{0,20}?(?:password|passwd|pass|pwd|secret)"
        + IS
        + rb"[\"']?)(?P<value>[^<\s\"'\0]{1,128})",
        where=STORED,
    ),
)

# FRR's vtysh and its predecessors, Cisco IOS configuration, keepalived.conf(5), bird.
ROUTING = (
    rule(
        "cli-password",
        "password secret",
        rb"^[ \t]*(?:username[ \t]+(?P<holder>\S+)[ \t]+(?:privilege[ \t]+\d+[ \t]+)?|"
        rb"(?:enable|line)[ \t]+)?(?:password|secret)[ \t]+(?:\d[ \t]+)?" + VALUE + rb"[ \t\r]*$",
        r"(?:^|/)(?:frr|quagga|zebra)/|(?:startup|running|default)[-_]?(?:config|cfg)[^/]*$|\.cfg$",
    ),
    rule(
        "routing-key",
        "password message-digest-key authentication-key",
        rb"^[ \t]*(?:neighbor[ \t]+(?P<holder>\S+)[ \t]+password|ip(?:v6)?[ \t]+\w+[ \t]+"
        rb"(?:message-digest-key[ \t]+\d+[ \t]+md5|authentication-key))[ \t]+(?:\d[ \t]+)?" + VALUE,
    ),
    rule(
        "snmp-community",
        "snmp-server",
        rb"^[ \t]*snmp-server[ \t]+community[ \t]+" + VALUE,
    ),
    rule("vrrp-password", "auth_pass", rb"^[ \t]*auth_pass[ \t]+" + VALUE),
)

NETWORK = (*WIFI, *PPP, *TR069, *SNMP, *VPN, *RADIUS, *SIP, *ROUTING)
