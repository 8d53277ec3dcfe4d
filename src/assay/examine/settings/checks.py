"""The checks: which setting, in which file, with which value. Data, not code.

Every check is a regular expression over one line that is no comment. Sources stand with each
service's checks.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """A line that weakens the system. The group `value` is what stands there."""

    setting: str
    pattern: re.Pattern[str]
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """The checks of one service's configuration. `places` matches the paths of its files,
    `comments` are the characters that begin a comment line."""

    name: str
    places: re.Pattern[str]
    checks: tuple[Check, ...]
    comments: str = "#"


def _check(setting: str, pattern: str, *, secret: bool = False) -> Check:
    return Check(setting, re.compile(pattern, re.IGNORECASE), secret)


_OLD_CIPHERS = r"3des-cbc|arcfour\d*|blowfish-cbc|cast128-cbc|des-cbc"
_OLD_KEX = r"diffie-hellman-group1-sha1|diffie-hellman-group-exchange-sha1"
_OLD_MACS = r"hmac-md5(?:-96)?|hmac-sha1-96|umac-32"

SERVICES: tuple[Service, ...] = (
    # sshd_config(5); BSI TR-02102-4.
    Service(
        "ssh",
        re.compile(r"(^|/)sshd_config(\.d/[^/]+)?$"),
        (
            _check("ssh.root_login", r"^PermitRootLogin[\s=]+\"?(?P<value>yes)\b"),
            _check("ssh.empty_passwords", r"^PermitEmptyPasswords[\s=]+\"?(?P<value>yes)\b"),
            _check("ssh.protocol_1", r"^Protocol[\s=]+(?P<value>(?:2,)?1(?:,2)?)\b"),
            _check("ssh.old_ciphers", rf"^Ciphers[\s=]+(?!-)(?P<value>\S*(?:{_OLD_CIPHERS})\S*)"),
            _check(
                "ssh.old_key_exchange", rf"^KexAlgorithms[\s=]+(?!-)(?P<value>\S*(?:{_OLD_KEX})\S*)"
            ),
            _check("ssh.old_macs", rf"^MACs[\s=]+(?!-)(?P<value>\S*(?:{_OLD_MACS})\S*)"),
            _check(
                "ssh.old_host_keys",
                r"^(?:HostKeyAlgorithms|PubkeyAccepted(?:Algorithms|KeyTypes))[\s=]+(?!-)"
                r"(?P<value>\S*\bssh-(?:dss|rsa)\b(?!-cert)\S*)",
            ),
            _check("ssh.host_based", r"^HostbasedAuthentication[\s=]+(?P<value>yes)\b"),
        ),
    ),
    # OpenWrt, dropbear configuration.
    Service(
        "dropbear",
        re.compile(r"(^|/)etc/config/dropbear$"),
        (_check("ssh.root_login", r"^option\s+RootPasswordAuth\s+'?(?P<value>on|1|yes)"),),
    ),
    # snmpd.conf(5); RFC 3584 on communities.
    Service(
        "snmp",
        re.compile(r"(^|/)(snmpd?\.conf|etc/config/snmpd)$"),
        (
            _check(
                "snmp.default_community",
                r"^(?:ro|rw)community6?\s+(?P<value>public|private)\b"
                r"|^com2sec6?\s+(?:-Cn\s+\S+\s+)?\S+\s+\S+\s+(?P<value2>public|private)\b",
            ),
            _check("snmp.write_community", r"^(?P<value>rwcommunity6?)\s+\S+", secret=True),
            _check("snmp.write_user", r"^(?P<value>rwuser\s+\S+\s+noauth)\b"),
        ),
    ),
    # lighttpd, nginx and Apache documentation; BSI TR-02102-2 on TLS.
    Service(
        "lighttpd",
        re.compile(r"(^|/)lighttpd[^/]*\.conf$|(^|/)lighttpd/(conf-enabled|conf\.d)/[^/]+\.conf$"),
        (
            _check("web.runs_as_root", r"^server\.username\s*:?=\s*\"(?P<value>root)\""),
            _check(
                "web.directory_listing",
                r"^(?:server\.)?dir-listing(?:\.activate)?\s*:?=\s*\"(?P<value>enable)\"",
            ),
            _check("web.old_tls", r"^ssl\.use-sslv[23]\s*:?=\s*\"(?P<value>enable)\""),
        ),
    ),
    Service(
        "nginx",
        re.compile(r"(^|/)nginx\.conf$|(^|/)nginx/(conf\.d|sites-enabled)/[^/]+$"),
        (
            _check("web.runs_as_root", r"^user\s+(?P<value>root)\b"),
            _check("web.directory_listing", r"^autoindex\s+(?P<value>on)\b"),
            _check(
                "web.old_tls",
                r"^ssl_protocols\s+(?P<value>[^;]*(?:SSLv[23]|TLSv1(?:\.[01])?(?![.\d]))[^;]*)",
            ),
        ),
    ),
    Service(
        "httpd",
        re.compile(r"(^|/)(httpd|apache2|mini_httpd|boa|thttpd)\.conf$"),
        (
            _check("web.runs_as_root", r"^User[\s=]+(?P<value>root|0)\b"),
            _check("web.directory_listing", r"^Options\s+(?P<value>(?:\S+\s+)*\+?Indexes)\b"),
            _check("web.old_tls", r"^SSLProtocol\s+(?P<value>.*\+?SSLv[23].*)"),
        ),
    ),
    # vsftpd.conf(5), ProFTPD directives.
    Service(
        "ftp",
        re.compile(r"(^|/)(vsftpd|proftpd|pure-ftpd)\.conf$"),
        (
            _check("ftp.anonymous", r"^anonymous_enable\s*=\s*(?P<value>yes)\b"),
            _check("ftp.anonymous", r"^(?P<value><Anonymous\b.*>)"),
            _check(
                "ftp.anonymous_write",
                r"^anon_(?:upload|mkdir_write|other_write)_enable\s*=\s*(?P<value>yes)\b",
            ),
            _check("ftp.no_tls", r"^ssl_enable\s*=\s*(?P<value>no)\b"),
        ),
    ),
    # inetd(8): services without encryption.
    Service(
        "inetd",
        re.compile(r"(^|/)etc/inetd\.conf(\.d/[^/]+)?$"),
        (
            _check("telnet.enabled", r"^(?:\S+:)?(?P<value>telnet)\s+stream\s"),
            _check("ftp.enabled", r"^(?:\S+:)?(?P<value>ftp)\s+stream\s"),
            _check("tftp.enabled", r"^(?:\S+:)?(?P<value>tftp)\s+dgram\s"),
            _check("rsh.enabled", r"^(?:\S+:)?(?P<value>shell|login|exec)\s+stream\s"),
            _check("finger.enabled", r"^(?:\S+:)?(?P<value>finger)\s+stream\s"),
        ),
    ),
    # Start-up scripts and tables: a login without encryption, a shell without login.
    Service(
        "startup",
        re.compile(r"(^|/)etc/(inittab|rcS|rc\.local|init\.d/[^/]+|rc\.d/rcS)$"),
        (
            _check("telnet.enabled", r"^(?:\S+::\w+:)?(?:\S*/)?(?P<value>u?telnetd)\b(?!\s*\))"),
            _check(
                "startup.shell_without_login",
                r"^[^:]*:[^:]*:(?:respawn|askfirst):-?(?P<value>/bin/(?:ba|a|da)?sh)\b",
            ),
            _check(
                "startup.shell_without_login",
                r"\b(?P<value>login\s+-f\s+root|getty\s.*(?:-a|--autologin)\s+root)\b",
            ),
            _check("ssh.empty_passwords", r"^(?:\S*/)?(?P<value>dropbear\s.*?-[a-zA-Z]*B)\b"),
        ),
    ),
    # agetty(8).
    Service(
        "getty",
        re.compile(r"(^|/)systemd/system/[^/]*getty[^/]*\.service(\.d/[^/]+)?$"),
        (
            _check(
                "startup.shell_without_login",
                r"^ExecStart=.*(?P<value>(?:--autologin|\s-a)\s+root)\b",
            ),
        ),
        comments="#;",
    ),
    # OpenWrt, uHTTPd configuration.
    Service(
        "uhttpd",
        re.compile(r"(^|/)etc/config/uhttpd$"),
        (_check("web.directory_listing", r"^option\s+no_dirlists\s+'?(?P<value>0)"),),
    ),
    # dnsmasq(8), tftpd(8) of tftp-hpa.
    Service(
        "dnsmasq",
        re.compile(r"(^|/)dnsmasq\.conf$|(^|/)dnsmasq\.d/[^/]+$"),
        (_check("tftp.enabled", r"^(?P<value>enable-tftp)\b"),),
    ),
    Service(
        "tftp",
        re.compile(r"(^|/)etc/default/tftpd-hpa$"),
        (
            _check(
                "tftp.anonymous_write",
                r"^TFTP_OPTIONS=.*?(?<=[\s\"'])(?P<value>--create|-[a-z]*c)\b",
            ),
        ),
    ),
    # rsyslog, modules imudp and imtcp.
    Service(
        "syslog",
        re.compile(r"(^|/)rsyslog(\.d/[^/]+)?\.conf$|(^|/)rsyslog\.d/[^/]+\.conf$"),
        (
            _check(
                "syslog.open_receiver",
                r"^(?:\$(?P<value>(?:UDP|InputTCP)ServerRun)\s+\d|"
                r"input\s*\(.*type=\"(?P<value2>im(?:udp|tcp))\")",
            ),
        ),
    ),
    # redis.conf.
    Service(
        "redis",
        re.compile(r"(^|/)redis[^/]*\.conf$"),
        (_check("redis.unprotected", r"^protected-mode\s+(?P<value>no)\b"),),
    ),
    # miniupnpd.conf.
    Service(
        "upnp",
        re.compile(r"(^|/)(miniupnpd\.conf|etc/config/upnpd)$"),
        (
            _check("upnp.insecure", r"^secure_mode\s*=\s*(?P<value>no)\b"),
            _check("upnp.insecure", r"^option\s+secure_mode\s+'?(?P<value>0)"),
        ),
    ),
    # exports(5), smb.conf(5), rsyncd.conf(5).
    Service(
        "nfs",
        re.compile(r"(^|/)etc/exports(\.d/[^/]+)?$"),
        (
            _check("nfs.root_not_squashed", r"^\S+\s.*\b(?P<value>no_root_squash)\b"),
            _check("nfs.everybody", r"^\S+\s+(?P<value>\*\()"),
        ),
    ),
    Service(
        "samba",
        re.compile(r"(^|/)smb\.conf$"),
        (
            _check("samba.guest", r"^(?:guest ok|public)\s*=\s*(?P<value>yes)\b"),
            _check("samba.guest", r"^map to guest\s*=\s*(?P<value>bad password)"),
            _check("samba.null_passwords", r"^null passwords\s*=\s*(?P<value>yes)\b"),
            _check(
                "samba.old_authentication",
                r"^(?:ntlm|lanman) auth\s*=\s*(?P<value>yes|ntlmv1-permitted)\b",
            ),
            _check("samba.smb1", r"^(?:server )?min protocol\s*=\s*(?P<value>NT1|LANMAN\d|CORE)"),
        ),
        comments="#;",
    ),
    # sudoers(5), pam_unix(8).
    Service(
        "sudo",
        re.compile(r"(^|/)etc/sudoers(\.d/[^/]+)?$"),
        (_check("sudo.without_password", r"^\S+\s+\S+\s*=.*(?P<value>NOPASSWD:\s*ALL)\b"),),
    ),
    Service(
        "rhosts",
        re.compile(r"(^|/)(etc/hosts\.equiv|\.rhosts)$"),
        (_check("rsh.trusts_everybody", r"^(?P<value>\+)(\s|$)"),),
    ),
    # mosquitto.conf(5).
    Service(
        "mqtt",
        re.compile(r"(^|/)mosquitto(/conf\.d/[^/]+)?\.conf$"),
        (_check("mqtt.anonymous", r"^allow_anonymous\s+(?P<value>true)\b"),),
    ),
    # Linux, Documentation/admin-guide/sysctl; Kernel Self Protection Project.
    Service(
        "sysctl",
        re.compile(r"(^|/)sysctl(\.d/[^/]+)?\.conf$|(^|/)sysctl\.d/[^/]+\.conf$"),
        (
            _check(
                "kernel.no_address_randomisation",
                r"^-?kernel[./]randomize_va_space\s*=\s*(?P<value>[01])\s*$",
            ),
            _check("kernel.pointers_shown", r"^-?kernel[./]kptr_restrict\s*=\s*(?P<value>0)\s*$"),
            _check("kernel.log_shown", r"^-?kernel[./]dmesg_restrict\s*=\s*(?P<value>0)\s*$"),
            _check(
                "kernel.tracing_unrestricted",
                r"^-?kernel[./]yama[./]ptrace_scope\s*=\s*(?P<value>0)\s*$",
            ),
            _check(
                "kernel.unprivileged_bpf",
                r"^-?kernel[./]unprivileged_bpf_disabled\s*=\s*(?P<value>0)\s*$",
            ),
            _check("kernel.null_mapping", r"^-?vm[./]mmap_min_addr\s*=\s*(?P<value>0)\s*$"),
            _check("kernel.setuid_dumps", r"^-?fs[./]suid_dumpable\s*=\s*(?P<value>1)\s*$"),
            _check(
                "kernel.links_unprotected",
                r"^-?fs[./]protected_(?:sym|hard)links\s*=\s*(?P<value>0)\s*$",
            ),
            _check(
                "network.redirects",
                r"^-?net[./]ipv[46][./]conf[./]\w+[./]accept_redirects\s*=\s*(?P<value>1)\s*$",
            ),
            _check(
                "network.source_route",
                r"^-?net[./]ipv[46][./]conf[./]\w+[./]accept_source_route\s*=\s*(?P<value>1)\s*$",
            ),
            _check(
                "network.no_syn_cookies", r"^-?net[./]ipv4[./]tcp_syncookies\s*=\s*(?P<value>0)\s*$"
            ),
        ),
        comments="#;",
    ),
)
