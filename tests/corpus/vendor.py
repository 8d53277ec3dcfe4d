"""What a vendor adds to a distribution: start-up, accounts, settings, some of them careless.

No private key and no real secret is among them; what must be found is planted by the tests.
"""

from pathlib import Path

_INIT_SCRIPT = """#!/bin/sh
case "$1" in
start) {command} ;;
stop) killall {name} ;;
esac
"""

VENDOR_FILES: dict[str, str] = {
    "etc/inittab": (
        "::sysinit:/etc/init.d/rcS\n"
        "::respawn:/sbin/getty -L ttyS0 115200 vt100\n"
        "::ctrlaltdel:/sbin/reboot\n"
        "::shutdown:/bin/umount -a -r\n"
    ),
    "etc/init.d/rcS": (
        "#!/bin/sh\nmount -t proc proc /proc\nmount -t sysfs sysfs /sys\n"
        'for script in /etc/rc.d/S*; do [ -x "$script" ] && "$script" start; done\n'
    ),
    "etc/passwd": (
        "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/:/bin/false\n"
        "nobody:x:65534:65534:nobody:/:/bin/false\nadmin:x:1000:1000:admin:/:/bin/sh\n"
    ),
    "etc/shadow": "root:*:19000:0:99999:7:::\nadmin:!:19000:0:99999:7:::\n",
    "etc/group": "root:x:0:\ndaemon:x:1:\nnogroup:x:65534:\nadmin:x:1000:\n",
    "etc/banner": "Acme AR-1000\nAuthorised use only.\n",
    "etc/hostname": "ar1000\n",
    "etc/inetd.conf": (
        "telnet stream tcp nowait root /usr/sbin/telnetd telnetd\n"
        "#tftp dgram udp wait root /usr/sbin/in.tftpd in.tftpd /srv/tftp\n"
    ),
    "etc/snmp/snmpd.conf": (
        "agentaddress udp:161\nrocommunity public\nrwcommunity private 192.168.1.0/24\n"
        "sysContact support@acme.example\n"
    ),
    "etc/ssh/sshd_config.d/vendor.conf": "PermitRootLogin yes\nPermitEmptyPasswords no\n",
    "etc/lighttpd/lighttpd.conf": (
        'server.document-root = "/www"\nserver.port = 80\nserver.username = "root"\n'
        'dir-listing.activate = "enable"\nindex-file.names = ( "index.html" )\n'
    ),
    "etc/dnsmasq.conf": "domain-needed\nbogus-priv\ndhcp-range=192.168.1.100,192.168.1.200,12h\n",
    "etc/sysctl.conf": "net.ipv4.ip_forward=1\nkernel.randomize_va_space=0\n",
    "www/index.html": "<!doctype html><title>AR-1000</title><h1>AR-1000</h1>\n",
}

_SERVICES = {
    "dropbear": "/usr/sbin/dropbear -R",
    "dnsmasq": "/usr/sbin/dnsmasq -C /etc/dnsmasq.conf",
    "lighttpd": "/usr/sbin/lighttpd -f /etc/lighttpd/lighttpd.conf",
    "snmpd": "/usr/sbin/snmpd -Lsd -c /etc/snmp/snmpd.conf",
    "inetd": "/usr/sbin/inetutils-inetd",
}

_LINKS = {
    "sbin/init": "/bin/busybox",
    "bin/ash": "busybox",
    "bin/vi": "busybox",
    "usr/bin/wget": "../../bin/busybox",
}


def write_vendor_files(root: Path, release: str) -> None:
    """Lay the vendor's files over the packages' ones."""
    for path, text in VENDOR_FILES.items():
        _write(root / path, text, 0o755 if path.startswith("etc/init.d") else 0o644)
    _write(root / "etc/acme-release", f"AR-1000 {release.upper()}\n", 0o644)
    for number, (name, command) in enumerate(_SERVICES.items(), start=10):
        script = _INIT_SCRIPT.format(name=name, command=command)
        _write(root / "etc/init.d" / name, script, 0o755)
        _link(root / "etc/rc.d" / f"S{number}{name}", f"../init.d/{name}")
    for path, target in _LINKS.items():
        _link(root / path, target)
    (root / "etc/shadow").chmod(0o640)


def _write(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(text)
    path.chmod(mode)


def _link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)
