"""Secrets to be found: made by the tools that make them in the field, planted at known offsets.

Nothing here is a secret of anybody's: values are made at run time, from a fixed seed where no tool
makes them. What an examiner must say of each is written down beside it.
"""

import base64
import hashlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.corpus import CorpusError, debs
from tests.corpus.cache import built

_TOOLS = "dropbear-bin libtomcrypt1 libtommath1 putty-tools whois wpasupplicant".split()
_TOOLS += "apache2-utils libapr1 libaprutil1".split()
_CANNOT_RUN = (126, 127)  # POSIX: found but can't be run, not found (a shared library, say)


@dataclass(frozen=True)
class Planted:
    """`secrets` are the byte strings of the file that no output may show; the first of them is
    what an observation's offset must point to."""

    path: str
    content: bytes
    secrets: tuple[bytes, ...]
    category: str

    @property
    def offset(self) -> int:
        return self.content.index(self.secrets[0])


def letters(name: str, length: int, alphabet: str = "") -> str:
    """So many characters that look random and are the same every time."""
    chosen = alphabet or "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
    digest = b"".join(
        hashlib.sha256(f"{name}/{n}".encode()).digest() for n in range(1 + length // 32)
    )
    return "".join(chosen[byte % len(chosen)] for byte in digest[:length])


def run(*words: str | Path, stdin: bytes = b"", env: dict[str, str] | None = None) -> bytes:
    """What a program prints."""
    return subprocess.run(
        [str(word) for word in words],
        input=stdin,
        capture_output=True,
        check=True,
        env=os.environ | (env or {}),
    ).stdout


def tool(name: str, *words: str | Path, stdin: bytes = b"") -> bytes:
    """The same of a program out of a Debian package that isn't installed here.

    Raises:
        CorpusError: the packages can't be had, or this machine can't run them.
    """
    root = built("tools-amd64", _extract_tools)
    libraries = ":".join(str(root / path / "x86_64-linux-gnu") for path in ("usr/lib", "lib"))
    try:
        return run(root / "usr/bin" / name, *words, stdin=stdin, env={"LD_LIBRARY_PATH": libraries})
    except subprocess.CalledProcessError as error:
        if error.returncode not in _CANNOT_RUN:
            raise
        raise CorpusError(f"{name} doesn't run here: {error.stderr!r}") from error
    except OSError as error:
        raise CorpusError(f"{name} doesn't run here: {error}") from error


def _extract_tools(folder: Path) -> None:
    for deb in debs("amd64", _TOOLS):
        run("dpkg-deb", "-x", deb, folder)


# Settings, scripts and documents: {s} is where the secret stands. One line a form.

_JSON_KEY = '{{"type": "service_account", "private_key": "{s}", "client_id": "1"}}\n'
_TR069 = (
    '<?xml version="1.0"?>\n<Device><ManagementServer><URL>http://acs.example/</URL>'
    "<Username>cpe</Username><Password>{s}</Password></ManagementServer></Device>\n"
)
_UCI_WIFI = (
    "config wifi-iface\n\toption ssid 'Home'\n\toption encryption 'psk2'\n\toption key '{s}'\n"
)
_SHELL = "#!/bin/sh\nset -e\n{line}\n"

_FORMS: tuple[tuple[str, str, str], ...] = (
    ("wifi-psk", "etc/hostapd.conf", "interface=wlan0\nssid=Home\nwpa=2\nwpa_passphrase={s}\n"),
    ("wifi-psk", "etc/wpa_supplicant.conf", 'network={{\n\tssid="Home"\n\tpsk="{s}"\n}}\n'),
    ("wifi-psk", "etc/config/wireless", _UCI_WIFI),
    ("wifi-psk", "etc/nvram.defaults", "wl0_ssid=Home\nwl0_wpa_psk={s}\nwl0_channel=6\n"),
    ("wifi-psk", "etc/hostapd.wpa_psk", "# clients\n00:11:22:33:44:55 {s}\n"),
    ("wifi-psk", "etc/NetworkManager/home.nmconnection", "[wifi-security]\npsk={s}\n"),
    ("eap-password", "etc/hostapd.eap_user", '"peter" MD5 "{s}"\n'),
    ("ppp-secret", "etc/ppp/chap-secrets", '# client server secret\n"isp-user" * "{s}" *\n'),
    ("ppp-secret", "etc/ppp/pap-secrets", "isp-user\t*\t{s}\t*\n"),
    ("ppp-secret", "etc/ppp/peers/isp", "plugin rp-pppoe.so\nuser isp-user\npassword {s}\n"),
    ("ppp-secret", "etc/ppp/options.pptp", "lock\nname isp-user\npassword {s}\n"),
    ("ppp-secret", "etc/config/network", "config interface wan\n\toption password '{s}'\n"),
    (
        "ppp-secret",
        "usr/sbin/dial",
        _SHELL.format(line="pppd /dev/ttyS1 user u password {s} nodetach"),
    ),
    ("tr069-password", "etc/tr069.xml", _TR069),
    ("tr069-password", "etc/config/easycwmp", "config acs\n\toption password '{s}'\n"),
    ("tr069-password", "etc/cwmp.cfg", "tr069_acs_username=cpe\ntr069_acs_password={s}\n"),
    ("tr069-password", "etc/dm.conf", "Device.ManagementServer.ConnectionRequestPassword={s}\n"),
    ("snmp-community", "etc/snmp/snmpd.conf", "agentaddress udp:161\nrwcommunity {s} 10.0.0.0/8\n"),
    ("snmp-community", "etc/snmpd-view.conf", "com2sec local default {s}\n"),
    ("snmp-community", "etc/snmptrap.conf", "trap2sink 10.0.0.1 {s}\n"),
    (
        "snmp-community",
        "usr/sbin/probe",
        _SHELL.format(line="snmpget -v2c -c {s} 10.0.0.1 sysName.0"),
    ),
    ("snmp-user", "var/lib/snmp/snmpd.conf", "createUser noc SHA {s} AES\n"),
    (
        "curl-user",
        "usr/sbin/report",
        _SHELL.format(line="curl -s -u admin:{s} https://nms.example/r"),
    ),
    (
        "curl-user",
        "usr/sbin/report2",
        _SHELL.format(line="curl --user 'admin:{s}' -T /tmp/x ftp://h/"),
    ),
    (
        "wget-password",
        "usr/sbin/fetch",
        _SHELL.format(line="wget --user=cpe --password={s} ftp://h/x"),
    ),
    (
        "url-credentials",
        "usr/sbin/pull",
        _SHELL.format(line="git clone https://bot:{s}@git.example/x"),
    ),
    ("url-credentials", "root/.git-credentials", "https://bot:{s}@git.example\n"),
    ("url-credentials", "srv/app/.env", "DATABASE_URL=postgresql://app:{s}@db.internal:5432/app\n"),
    ("url-credentials", "srv/app/settings.py", 'BROKER = "amqp://app:{s}@mq.internal//"\n'),
    ("url-credentials", "etc/mongo.yaml", "uri: mongodb+srv://app:{s}@cluster.example/db\n"),
    ("basic-auth", "www/cgi-bin/proxy.sh", _SHELL.format(line='H="Authorization: Basic {b64}"')),
    (
        "docker-auth",
        "root/.docker/config.json",
        '{{"auths": {{"r.example": {{"auth": "{b64}"}}}}}}\n',
    ),
    ("bearer-token", "usr/bin/post", _SHELL.format(line='curl -H "Authorization: Bearer {s}" h')),
    (
        "mqtt-password",
        "etc/mosquitto/conf.d/bridge.conf",
        "remote_username x\nremote_password {s}\n",
    ),
    (
        "mqtt-password",
        "usr/bin/beat",
        _SHELL.format(line="mosquitto_pub -h h -u d -P {s} -t t -m m"),
    ),
    ("mqtt-password", "etc/agent.ini", "[broker]\nmqtt_user=dev\nmqtt_pass={s}\n"),
    ("radius-secret", "etc/raddb/clients.conf", "client nas {{\n\tsecret = {s}\n}}\n"),
    ("radius-secret", "etc/hostapd-eap.conf", "auth_server_shared_secret={s}\n"),
    ("ipsec-psk", "etc/ipsec.secrets", '10.0.0.1 10.0.0.2 : PSK "{s}"\n'),
    ("ipsec-psk", "etc/swanctl/swanctl.conf", 'secrets {{\n ike-1 {{\n  secret = "{s}"\n }}\n}}\n'),
    ("ipsec-eap", "etc/ipsec.d/vpn.secrets", 'carol : EAP "{s}"\n'),
    ("sip-password", "etc/asterisk/sip.conf", "[100]\ntype=friend\nsecret={s}\n"),
    ("sip-password", "etc/asterisk/trunk.conf", "register => 4930123:{s}@sip.example/100\n"),
    ("sip-password", "etc/voip.xml", "<Line><SIP><AuthPassword>{s}</AuthPassword></SIP></Line>\n"),
    (
        "dyndns-password",
        "etc/ddclient.conf",
        "protocol=dyndns2\nlogin=me, password='{s}'\nhome.example\n",
    ),
    ("dyndns-password", "etc/config/ddns", "config service myddns\n\toption password '{s}'\n"),
    ("netrc", "root/.netrc", "machine ftp.example login cpe password {s}\n"),
    ("pgpass", "root/.pgpass", "db.internal:5432:app:app:{s}\n"),
    ("rsync-secret", "etc/rsyncd.secrets", "backup:{s}\n"),
    ("smtp-password", "etc/msmtprc", "account default\nuser me\npassword {s}\n"),
    ("smtp-password", "etc/postfix/sasl_passwd", "[mail.example]:587 me@mail.example:{s}\n"),
    ("ldap-bindpw", "etc/nslcd.conf", "binddn cn=reader\nbindpw {s}\n"),
    ("openvpn-auth", "etc/openvpn/auth.txt", "vpn-user\n{s}\n"),
    ("vrrp-password", "etc/keepalived/keepalived.conf", "authentication {{\n auth_pass {s}\n}}\n"),
    ("cli-password", "etc/frr/vtysh.conf", "hostname r1\nenable password {s}\n"),
    ("routing-key", "etc/frr/bgpd.conf", "router bgp 1\n neighbor 10.0.0.1 password {s}\n"),
    ("sshpass", "usr/bin/sync", _SHELL.format(line="sshpass -p '{s}' scp x root@10.0.0.1:")),
    ("chpasswd", "etc/init.d/S01user", _SHELL.format(line='echo "root:{s}" | chpasswd')),
    ("passwd-input", "etc/init.d/S02user", _SHELL.format(line="echo -e '{s}\\n{s}' | passwd root")),
    ("mysql-password", "usr/bin/dump", _SHELL.format(line="mysqldump -u root -p{s} app")),
    (
        "openssl-pass",
        "usr/bin/decrypt",
        _SHELL.format(line="openssl enc -d -aes256 -pass pass:{s} -in x"),
    ),
    ("generic-password", "etc/app.json", '{{"user": "admin", "password": "{s}"}}\n'),
    ("generic-password", "etc/app.yaml", "login:\n  user: admin\n  password: {s}\n"),
    ("generic-password", "etc/app.ini", "[login]\nuser = admin\npassword = {s}\n"),
    ("generic-password", "etc/app.lua", 'local cfg = {{ user = "admin", password = "{s}" }}\n'),
    ("generic-password", "etc/app.xml", "<cfg><user>admin</user><password>{s}</password></cfg>\n"),
    ("generic-password", "etc/config/luci2", "config login\n\toption password '{s}'\n"),
    ("generic-password", "etc/default.nvram", "http_user=admin\0http_passwd={s}\0lan_if=br0\0"),
    ("generic-password", "usr/lib/env.sh", "export ADMIN_PASSWORD={s}\n"),
    ("generic-password", "srv/app/conf.py", 'SECRET_KEY = "{s}"\n'),
    ("generic-password", "www/js/app.js", 'const auth = {{ apiKey: "{s}" }};\n'),
)


def settings() -> list[Planted]:
    """Each form with a value of its own."""
    made = []
    for category, path, form in _FORMS:
        value = letters(path, 20)
        pair = base64.b64encode(f"admin:{value}".encode()).decode()
        shown = pair if "{b64}" in form else value
        content = form.format(s=value, b64=pair).encode()
        made.append(Planted(path, content, (shown.encode(), value.encode()), category))
    return made


def tokens() -> list[Planted]:
    """Tokens whose own form tells what they are, in the forms that their makers document."""
    base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
    claims = base64.urlsafe_b64encode(b'{"sub":"device","exp":4000000000}').decode().rstrip("=")
    values = {
        "aws-access-key": "AKIA" + letters("aws", 16, base32),
        "github-token": "ghp_" + letters("github", 36),
        "gitlab-token": "glpat-" + letters("gitlab", 20),
        "slack-token": "xoxb-" + letters("s1", 12, "0123456789") + "-" + letters("s2", 24),
        "slack-webhook": "/".join(
            ("T" + letters("w1", 9), "B" + letters("w2", 9), letters("w3", 24))
        ),
        "gcp-api-key": "AIza" + letters("google", 35),
        "azure-storage-key": base64.b64encode(hashlib.sha512(b"azure").digest()).decode(),
        "stripe-key": "sk_live_" + letters("stripe", 24),
        "npm-token": "npm_" + letters("npm", 36),
        "jwt": f"{header}.{claims}.{letters('jwt', 43)}",
        "aws-secret-key": letters("aws secret", 40),
    }
    around = {
        "slack-webhook": "url = https://hooks.slack.com/services/{s}\n",
        "azure-storage-key": "DefaultEndpointsProtocol=https;AccountName=store;AccountKey={s}\n",
        "aws-secret-key": "[default]\naws_secret_access_key = {s}\n",
    }
    return [
        Planted(
            f"opt/agent/{category}.conf",
            around.get(category, "# agent\nvalue {s}\n").format(s=value).encode(),
            (value.encode(),),
            category,
        )
        for category, value in values.items()
    ]


_PROGRAM = """
#include <stdio.h>
#include <stdlib.h>
static const char key[] = {key};
static const unsigned char der[] = {{ {der} }};
int main(int count, char **words) {{
    if (count > 1) return system("curl -u service:{curl} http://update.example/") + der[count];
    puts("db_password={plain}");
    return puts(key) + words[0][0];
}}
"""


def program(folder: Path) -> tuple[Planted, Planted, Planted, Planted]:
    """An ELF program with two keys and two passwords: the same content, one entry for each."""
    pem = run("openssl", "genrsa", "-traditional", "2048")
    der = run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-outform", "DER")
    curl, plain = letters("elf curl", 14), letters("elf plain", 14)
    text = _PROGRAM.format(
        key='"' + pem.decode().strip().replace("\n", "\\n") + '"',
        der=",".join(map(str, der)),
        curl=curl,
        plain=plain,
    )
    (folder / "app.c").write_text(text)
    run("gcc", "-O2", "-s", "-o", folder / "app", folder / "app.c")
    content = (folder / "app").read_bytes()
    return (
        Planted("usr/sbin/app", content, (pem.strip(), *body_lines(pem)), "pem"),
        Planted("usr/sbin/app", content, (der,), "der"),
        Planted("usr/sbin/app", content, (curl.encode(),), "curl-user"),
        Planted("usr/sbin/app", content, (plain.encode(),), "generic-password"),
    )


def body_lines(pem: bytes) -> Iterator[bytes]:
    """The lines of base64."""
    return (line for line in pem.splitlines() if not line.startswith(b"-") and len(line) > 40)
