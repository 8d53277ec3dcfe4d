"""Weak settings: each is found where a manual says it is weak, and its sound form is not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.examine import configuration
from assay.examine.settings.checks import SERVICES
from assay.model.observations import Weakness
from tests.examining import observe
from tests.planted_secrets import letters

ONLY = (configuration.EXAMINER,)

# Setting and file, then a line that weakens, and one of the same directive that doesn't.
TABLE = r"""
ssh.root_login etc/ssh/sshd_config
  PermitRootLogin yes
  PermitRootLogin no
ssh.root_login etc/ssh/sshd_config.d/v.conf
  permitrootlogin=yes
  PermitRootLogin prohibit-password
ssh.root_login etc/config/dropbear
  option RootPasswordAuth 'on'
  option RootPasswordAuth 'off'
ssh.empty_passwords etc/ssh/sshd_config
  PermitEmptyPasswords yes
  PermitEmptyPasswords no
ssh.empty_passwords etc/init.d/ssh
  /usr/sbin/dropbear -R -B
  /usr/sbin/dropbear -R -s
ssh.protocol_1 etc/ssh/sshd_config
  Protocol 2,1
  Protocol 2
ssh.old_ciphers etc/ssh/sshd_config
  Ciphers aes128-ctr,3des-cbc
  Ciphers -3des-cbc
ssh.old_key_exchange etc/ssh/sshd_config
  KexAlgorithms +diffie-hellman-group1-sha1
  KexAlgorithms curve25519-sha256
ssh.old_macs etc/ssh/sshd_config
  MACs hmac-md5,hmac-sha2-256
  MACs hmac-sha2-256-etm@openssh.com
ssh.old_host_keys etc/ssh/sshd_config
  HostKeyAlgorithms +ssh-rsa
  HostKeyAlgorithms rsa-sha2-512,ssh-ed25519
ssh.host_based etc/ssh/sshd_config
  HostbasedAuthentication yes
  HostbasedAuthentication no
snmp.default_community etc/snmp/snmpd.conf
  rocommunity public
  rocommunity s3lten
snmp.default_community etc/snmp/snmpd.conf
  com2sec ro default private
  com2sec ro 10.0.0.1 s3lten
snmp.write_community etc/snmp/snmpd.conf
  rwcommunity s3lten 10.0.0.0/8
  rocommunity s3lten
snmp.write_user etc/snmp/snmpd.conf
  rwuser noc noauth
  rwuser noc priv
web.runs_as_root etc/lighttpd/lighttpd.conf
  server.username = "root"
  server.username = "www-data"
web.runs_as_root etc/nginx/nginx.conf
  user root;
  user www-data;
web.runs_as_root etc/apache2/apache2.conf
  User root
  User ${APACHE_RUN_USER}
web.directory_listing etc/lighttpd/lighttpd.conf
  dir-listing.activate = "enable"
  dir-listing.activate = "disable"
web.directory_listing etc/nginx/conf.d/a
  autoindex on;
  autoindex off;
web.directory_listing etc/httpd.conf
  Options FollowSymLinks Indexes
  Options FollowSymLinks -Indexes
web.directory_listing etc/config/uhttpd
  option no_dirlists '0'
  option no_dirlists '1'
web.old_tls etc/lighttpd/lighttpd.conf
  ssl.use-sslv3 = "enable"
  ssl.use-sslv3 = "disable"
web.old_tls etc/nginx/nginx.conf
  ssl_protocols TLSv1 TLSv1.2;
  ssl_protocols TLSv1.2 TLSv1.3;
web.old_tls etc/httpd.conf
  SSLProtocol all +SSLv3
  SSLProtocol TLSv1.2
ftp.anonymous etc/vsftpd.conf
  anonymous_enable=YES
  anonymous_enable=NO
ftp.anonymous etc/proftpd/proftpd.conf
  <Anonymous ~ftp>
  <Global>
ftp.anonymous_write etc/vsftpd.conf
  anon_upload_enable=YES
  anon_upload_enable=NO
ftp.no_tls etc/vsftpd.conf
  ssl_enable=NO
  ssl_enable=YES
telnet.enabled etc/inetd.conf
  telnet stream tcp nowait root /x telnetd
  ssh stream tcp nowait root /x sshd -i
telnet.enabled etc/inittab
  ::respawn:/usr/sbin/telnetd -F
  ::respawn:/usr/sbin/dropbear -F
telnet.enabled etc/init.d/rcS
  telnetd -l /bin/login
  killall telnetd
ftp.enabled etc/inetd.conf
  ftp stream tcp nowait root /x ftpd
  sftp stream tcp nowait root /x x
tftp.enabled etc/inetd.conf
  tftp dgram udp wait root /x tftpd
  ntp dgram udp wait root /x ntpd
tftp.enabled etc/dnsmasq.conf
  enable-tftp
  dhcp-range=10.0.0.1,10.0.0.9
tftp.anonymous_write etc/default/tftpd-hpa
  TFTP_OPTIONS="--secure --create"
  TFTP_OPTIONS="--secure"
rsh.enabled etc/inetd.conf
  login stream tcp nowait root /x rlogind
  pop3 stream tcp nowait root /x x
finger.enabled etc/inetd.conf
  finger stream tcp nowait nobody /x fingerd
  auth stream tcp nowait nobody /x x
startup.shell_without_login etc/inittab
  ttyS0::respawn:-/bin/sh
  ttyS0::respawn:/sbin/getty 115200 ttyS0
startup.shell_without_login etc/inittab
  ::respawn:/bin/login -f root
  ::respawn:/bin/login
startup.shell_without_login lib/systemd/system/serial-getty@.service
  ExecStart=-/sbin/agetty --autologin root %I
  ExecStart=-/sbin/agetty -o '-p -- \\u' %I
upnp.insecure etc/miniupnpd.conf
  secure_mode=no
  secure_mode=yes
upnp.insecure etc/config/upnpd
  option secure_mode '0'
  option secure_mode '1'
nfs.root_not_squashed etc/exports
  /srv 10.0.0.1(rw,no_root_squash)
  /srv 10.0.0.1(rw,root_squash)
nfs.everybody etc/exports
  /srv *(ro)
  /srv 10.0.0.1(ro)
samba.guest etc/samba/smb.conf
  guest ok = yes
  guest ok = no
samba.guest etc/samba/smb.conf
  map to guest = Bad Password
  map to guest = never
samba.null_passwords etc/samba/smb.conf
  null passwords = yes
  null passwords = no
samba.old_authentication etc/samba/smb.conf
  ntlm auth = yes
  ntlm auth = ntlmv2-only
samba.smb1 etc/samba/smb.conf
  server min protocol = NT1
  server min protocol = SMB2
sudo.without_password etc/sudoers.d/v
  admin ALL=(ALL) NOPASSWD: ALL
  admin ALL=(ALL) NOPASSWD: /bin/ping
rsh.trusts_everybody etc/hosts.equiv
  + +
  trusted.example
mqtt.anonymous etc/mosquitto/mosquitto.conf
  allow_anonymous true
  allow_anonymous false
redis.unprotected etc/redis/redis.conf
  protected-mode no
  protected-mode yes
syslog.open_receiver etc/rsyslog.conf
  $UDPServerRun 514
  $FileOwner root
syslog.open_receiver etc/rsyslog.d/in.conf
  input(type="imudp" port="514")
  input(type="imfile" File="/x")
kernel.no_address_randomisation etc/sysctl.conf
  kernel.randomize_va_space = 0
  kernel.randomize_va_space = 2
kernel.pointers_shown etc/sysctl.d/1.conf
  kernel.kptr_restrict=0
  kernel.kptr_restrict=1
kernel.log_shown etc/sysctl.conf
  kernel/dmesg_restrict=0
  kernel.dmesg_restrict=1
kernel.setuid_dumps etc/sysctl.conf
  fs.suid_dumpable=1
  fs.suid_dumpable=0
kernel.links_unprotected etc/sysctl.conf
  fs.protected_symlinks=0
  fs.protected_symlinks=1
kernel.tracing_unrestricted etc/sysctl.conf
  kernel.yama.ptrace_scope=0
  kernel.yama.ptrace_scope=2
kernel.unprivileged_bpf etc/sysctl.conf
  kernel.unprivileged_bpf_disabled=0
  kernel.unprivileged_bpf_disabled=2
kernel.null_mapping etc/sysctl.conf
  vm.mmap_min_addr=0
  vm.mmap_min_addr=65536
network.redirects etc/sysctl.conf
  net.ipv4.conf.all.accept_redirects = 1
  net.ipv4.conf.all.accept_redirects = 0
network.source_route etc/sysctl.conf
  net.ipv4.conf.all.accept_source_route=1
  net.ipv4.conf.all.accept_source_route=0
network.no_syn_cookies etc/sysctl.conf
  net.ipv4.tcp_syncookies=0
  net.ipv4.tcp_syncookies=1
"""


def _read(table: str) -> tuple[tuple[str, str, str, str], ...]:
    lines = table.strip().splitlines()
    heads = (line.split() for line in lines[::3])
    bodies = zip(lines[1::3], lines[2::3], strict=True)
    return tuple(
        (setting, path, weak.strip(), sound.strip())
        for (setting, path), (weak, sound) in zip(heads, bodies, strict=True)
    )


LINES = _read(TABLE)


def _seen(path: str, text: str) -> list[Weakness]:
    return [one for one in observe(ONLY, path, text.encode()) if isinstance(one, Weakness)]


@pytest.mark.parametrize(("setting", "path", "weak", "sound"), LINES, ids=[x[2] for x in LINES])
def test_weak_line_is_found_and_sound_one_is_not(
    setting: str, path: str, weak: str, sound: str
) -> None:
    text = f"# head\n\n{weak}\n"
    found = _seen(path, text)
    assert setting in {one.setting for one in found}
    for one in found:
        assert one.evidence.offset is not None
        written = text.encode()[one.evidence.offset :].decode()
        assert written.startswith(one.value)
    assert setting not in {one.setting for one in _seen(path, f"# head\n\n{sound}\n")}


@pytest.mark.parametrize(("setting", "path", "weak", "sound"), LINES, ids=[x[2] for x in LINES])
def test_comments_windows_ends_and_other_files(
    setting: str, path: str, weak: str, sound: str
) -> None:
    assert not _seen(path, f"#{weak}\n  # {weak}\n")
    dos = _seen(path, f"{weak}\r\n{sound}\r\n")
    assert setting in {one.setting for one in dos}
    assert not _seen("usr/share/doc/notes.txt", f"{weak}\n")


def test_every_check_has_a_line() -> None:
    checked = {check.setting for service in SERVICES for check in service.checks}
    assert checked == {setting for setting, *_ in LINES}


def test_secrets_beside_a_setting_are_masked() -> None:
    value = letters("community", 12)
    (seen,) = _seen("etc/snmp/snmpd.conf", f"rwcommunity {value} 10.0.0.0/8\n")
    assert value not in seen.model_dump_json()
    (seen,) = _seen("etc/init.d/x", f"telnetd -l /bin/login; curl -u a:{value} http://h/\n")
    assert value not in seen.model_dump_json()


def test_many_weak_lines_are_bounded() -> None:
    assert len(_seen("etc/exports", "/srv *(rw,no_root_squash)\n" * 5000)) == 200


PATHS = st.sampled_from(sorted({path for _, path, _, _ in LINES}))
PARTS = st.sampled_from(sorted({word for line in LINES for word in line[2].split()}))


@settings(deadline=None, max_examples=300)
@given(path=PATHS, words=st.lists(PARTS | st.text(max_size=8), max_size=60))
def test_any_text_is_survived(path: str, words: list[str]) -> None:
    data = " ".join(words).encode("utf-8", "surrogatepass")
    for one in observe(ONLY, path, data):
        if isinstance(one, Weakness):
            assert one.evidence.offset is not None
            assert len(one.evidence.excerpt) <= 160
