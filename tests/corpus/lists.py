"""Which Debian packages the corpus is made of. Names that a suite lacks are left out."""

ROUTER_PACKAGES: tuple[str, ...] = tuple(
    """
    avahi-daemon bash bind9-dnsutils bind9-utils bluez busybox bzip2 chrony collectd-core conntrack
    coreutils curl dbus dnsmasq-base dosfstools dropbear-bin e2fsprogs ethtool expat file
    freeradius freeradius-utils frr libglib2.0-0 libc-bin gnupg gpgv gnutls-bin gzip haproxy
    hostapd iproute2 iptables iputils-ping iputils-tracepath isc-dhcp-client isc-dhcp-server jq kmod
    krb5-user less libarchive-tools libevent-2.1-7 libfreetype6 libjpeg62-turbo libmnl0 libnl-3-200
    libpcap0.8 libpng16-16 libuv1 libwebsockets17 libwebsockets16 libxml2-utils xsltproc lighttpd
    lua5.3 mosquitto mtd-utils ncurses-bin snmp snmpd nettle-bin nfs-common nfs-kernel-server
    nftables nghttp2-client slapd ldap-utils openssh-client openssh-server openssl openvpn
    libpam-modules libpam-runtime libpam-modules-bin pcregrep pcre2-utils ppp pptpd procps
    python3-minimal radvd readline-common rpcbind rrdtool rsync rsyslog screen sqlite3
    strongswan-starter strongswan-charon strongswan-swanctl sudo systemd udev tcpdump tdb-tools
    u-boot-tools util-linux wpasupplicant xl2tpd xz-utils zlib1g zstd mount login passwd
    inetutils-telnetd inetutils-inetd tftpd-hpa vsftpd
    """.split()
)

# Shared objects and programs of network software, for architectures without a router image.
BINARY_PACKAGES: tuple[str, ...] = tuple(
    """
    busybox dropbear-bin dnsmasq-base lighttpd curl libcurl4 openssl libssl3 tcpdump iproute2
    hostapd wpasupplicant openvpn ppp libsnmp40 libexpat1 libglib2.0-0 procps bash rsync
    libxml2 libpcap0.8 iptables openssh-client
    """.split()
)

STATIC_PACKAGES: tuple[str, ...] = ("busybox-static", "bash-static", "libc-bin", "sash", "tini")

# What the packages depend on on a PC and no router ships: interpreters' libraries, package tools,
# fonts, locale data. Taken by the beginning of the name.
LEFT_OUT: tuple[str, ...] = (
    "adduser",
    "cdebconf",
    "debconf",
    "dpkg",
    "fontconfig",
    "fonts-",
    "gnupg-l10n",
    "libicu",
    "libperl",
    "libpython3",
    "perl",
    "python3-",
    "publicsuffix",
    "tar",
    "tzdata",
)
