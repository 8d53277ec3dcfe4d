"""What starts by itself: real files of Debian packages, and written ones in each manager's form."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.examine import services
from assay.model.observations import Service
from tests.corpus import CorpusError, router
from tests.examining import observe, regular_files

ONLY = (services.EXAMINER,)


def _seen(path: str, text: str) -> list[Service]:
    return [one for one in observe(ONLY, path, text.encode()) if isinstance(one, Service)]


def _short(path: str, text: str) -> list[tuple[str, str]]:
    return [(one.manager, one.program) for one in _seen(path, text)]


@pytest.fixture(scope="module")
def root() -> Path:
    try:
        return router("armhf").root
    except CorpusError as error:
        pytest.skip(str(error))


def test_inittab() -> None:
    text = (
        "# System V and BusyBox\n::sysinit:/etc/init.d/rcS\ntty1::askfirst:-/bin/sh\n"
        "T0:23:respawn:/sbin/getty -L ttyS0 9600\n::ctrlaltdel:/sbin/reboot\n"
        "::shutdown:/bin/umount -a -r\nid:2:initdefault:\nca:12345:ctrlaltdel:/sbin/shutdown\n"
    )
    assert _short("etc/inittab", text) == [
        ("inittab", "/etc/init.d/rcS"),
        ("inittab", "/bin/sh"),
        ("inittab", "/sbin/getty -L ttyS0 9600"),
    ]


def test_inetd() -> None:
    text = (
        "#echo stream tcp nowait root internal\n"
        "telnet\tstream\ttcp\tnowait\troot.root\t/usr/sbin/tcpd\t/usr/sbin/in.telnetd\n"
        "tftp dgram udp wait nobody /usr/sbin/in.tftpd in.tftpd /srv\nbroken line\n"
    )
    assert [(one.name, one.user, one.sockets) for one in _seen("etc/inetd.conf", text)] == [
        ("telnet", "root", ("tcp/telnet",)),
        ("tftp", "nobody", ("udp/tftp",)),
    ]


def test_xinetd() -> None:
    text = (
        "service telnet\n{\n\tdisable = no\n\tuser = root\n\tserver = /usr/sbin/in.telnetd\n}\n"
        "service tftp\n{\n\tdisable\t= yes\n\tserver = /usr/sbin/in.tftpd\n}\n"
        "service app\n{\n\tport = 9000\n\tprotocol = udp\n"
        "\tserver = /bin/app\n\tserver_args = -d\n}\n"
    )
    assert [(one.name, one.program, one.sockets) for one in _seen("etc/xinetd.d/all", text)] == [
        ("telnet", "/usr/sbin/in.telnetd", ("tcp/telnet",)),
        ("app", "/bin/app -d", ("udp/9000",)),
    ]


PROCD = """#!/bin/sh /etc/rc.common
USE_PROCD=1
START=50
PROG=/usr/sbin/uhttpd
start_service() {
\tprocd_open_instance
\tprocd_set_param command "$PROG" -f -p 80
\tprocd_set_param respawn
\tprocd_close_instance
}
"""
OLD_OPENWRT = """#!/bin/sh /etc/rc.common
START=50
BIN=/usr/sbin/dnsmasq
start() {
\tservice_start $BIN -C /var/etc/dnsmasq.conf
}
"""
SYSV = """#!/bin/sh
### BEGIN INIT INFO
# Provides: thing
### END INIT INFO
DAEMON=/usr/sbin/thingd
CONF=/etc/thing.conf
stop_thing() {
\tkill $1
}
case "$1" in
start)
\t$DAEMON -t || exit 1
\tstart-stop-daemon --start --quiet --exec $DAEMON -- -c $CONF
\t;;
stop) stop_thing "$(cat /run/thing)" & ;;
esac
"""
RC = """#!/bin/sh
mount -a
echo "starting telnetd"
# /usr/sbin/sshd
/usr/sbin/telnetd -l /bin/login
/opt/vendor/agent --port 8080 &
dropbear -R
if [ -x /usr/sbin/crond ]; then
  /usr/sbin/crond -b
fi
"""


def test_scripts_of_each_kind() -> None:
    assert _short("etc/init.d/uhttpd", PROCD) == [("procd", "/usr/sbin/uhttpd -f -p 80")]
    assert _short("etc/init.d/dnsmasq", OLD_OPENWRT) == [
        ("sysv", "/usr/sbin/dnsmasq -C /var/etc/dnsmasq.conf")
    ]
    assert _short("etc/init.d/thing", SYSV) == [("sysv", "/usr/sbin/thingd")]
    assert _short("etc/rc.local", RC) == [
        ("rc", "/usr/sbin/telnetd -l /bin/login"),
        ("rc", "/opt/vendor/agent --port 8080"),
        ("rc", "dropbear -R"),
        ("rc", "/usr/sbin/crond -b"),
    ]
    assert _short("etc/init.d/odd", "#!/bin/sh\n. /lib/functions\n") == [("sysv", "odd")]
    assert not _short("etc/rc.local", "#!/bin/sh\nexit 0\n")


def test_cron() -> None:
    system = (
        "SHELL=/bin/sh\nMAILTO=root\n*/5 *\t* * *\troot\t/usr/bin/poll -q\n"
        "@reboot nobody /usr/bin/once\n17 * * * * root cd / && run-parts /etc/cron.hourly\n"
        "25 6 * * * root test -x /usr/sbin/anacron || { cd / && run-parts /etc/cron.daily; }\n"
    )
    assert [(one.user, one.program) for one in _seen("etc/crontab", system)] == [
        ("root", "/usr/bin/poll -q"),
        ("nobody", "/usr/bin/once"),
        ("root", "run-parts /etc/cron.hourly"),
        ("root", "run-parts /etc/cron.daily"),
    ]
    own = "0 4 * * mon /usr/bin/update\n"
    assert _short("etc/crontabs/root", own) == [("cron", "/usr/bin/update")]
    daily = _seen("etc/cron.daily/logrotate", "#!/bin/sh\nlogrotate /etc/logrotate.conf\n")
    assert [(one.name, one.program) for one in daily] == [
        ("logrotate", "/etc/cron.daily/logrotate")
    ]


def test_socket_units() -> None:
    text = "[Socket]\nListenStream=69\nListenDatagram=/run/x\n[Install]\nWantedBy=sockets.target\n"
    (seen,) = _seen("lib/systemd/system/tftp.socket", text)
    assert set(seen.sockets) == {"69", "/run/x"}
    assert not _seen("lib/systemd/system/x.target", text)


def _units(root: Path) -> Iterator[tuple[str, str]]:
    for path, here in regular_files(root):
        if path.startswith("lib/systemd/system/") and path.endswith(".service"):
            yield path, here.read_text()


def test_units_of_debian(root: Path) -> None:
    """Against the first ExecStart= of each unit, cut out here by hand."""
    checked = 0
    for path, text in _units(root):
        starts = [line for line in text.splitlines() if line.startswith("ExecStart=")]
        users = [line[5:] for line in text.splitlines() if line.startswith("User=")]
        seen = _seen(path, text)
        if not starts:
            assert not seen
            continue
        (service,) = seen
        assert service.program == starts[0][len("ExecStart=") :].lstrip("-+!@:|").strip()
        assert service.user == (users[0] if users else "")
        assert service.name == path.rsplit("/", 1)[-1].removesuffix(".service")
        checked += 1
    assert checked > 40


# Read in the scripts: which daemon each of them starts.
INIT_SCRIPTS = {
    "chrony": "/usr/sbin/chronyd",
    "ssh": "/usr/sbin/sshd",
    "vsftpd": "/usr/sbin/vsftpd",
    "tftpd-hpa": "/usr/sbin/in.tftpd",
    "rpcbind": "/sbin/rpcbind",
    "freeradius": "/usr/sbin/freeradius",
    "hostapd": "/usr/sbin/hostapd",
    "cron": "/usr/sbin/cron",
    "isc-dhcp-server": "/usr/sbin/dhcpd",
}


@pytest.mark.parametrize("name", INIT_SCRIPTS)
def test_init_scripts_of_debian(root: Path, name: str) -> None:
    text = (root / "etc/init.d" / name).read_text()
    programs = {one.program.split()[0] for one in _seen(f"etc/init.d/{name}", text)}
    assert INIT_SCRIPTS[name] in programs


def test_every_offset_points_to_its_line(root: Path) -> None:
    for path, here in regular_files(root):
        data = here.read_bytes()
        for seen in observe(ONLY, path, data):
            if isinstance(seen, Service):
                assert seen.evidence.offset is not None
                assert 0 <= seen.evidence.offset < len(data)


PATHS = st.sampled_from(
    """
    etc/inittab etc/inetd.conf etc/xinetd.d/x lib/systemd/system/x.service etc/init.d/x
    lib/systemd/system/x.socket etc/rc.local etc/crontab etc/crontabs/root
    """.split()
)
WORDS = st.sampled_from(
    "start-stop-daemon --exec \n ExecStart= ListenStream= service { } server = procd_set_param "
    "command & | $X X=/y :: :respawn: stream tcp root * @reboot () start) ;; \\ cd && \" '".split(
        " "
    )
)


@settings(deadline=None, max_examples=300)
@given(path=PATHS, words=st.lists(WORDS | st.text(max_size=8), max_size=40))
def test_any_text_is_survived(path: str, words: list[str]) -> None:
    text = "#!/bin/sh\n" + " ".join(words)
    observe(ONLY, path, text.encode("utf-8", "surrogatepass"))
    observe(ONLY, path, "".join(words).encode("utf-8", "surrogatepass"))
