"""Facts about the running system that an image would become: services, configuration, kernel."""

from typing import Literal

from assay.model.base import Frozen
from assay.model.observations.base import Evidence


class Service(Frozen):
    """Something that starts by itself. `manager` is who starts it, `program` what is run
    (as written), `user` as whom, empty = root or not said; `sockets` are ports or addresses
    that the starting line itself names."""

    type: Literal["service"] = "service"
    name: str
    manager: Literal["inittab", "sysv", "rc", "systemd", "inetd", "xinetd", "procd", "cron"]
    program: str
    user: str = ""
    sockets: tuple[str, ...] = ()
    evidence: Evidence


class Weakness(Frozen):
    """A setting in a configuration file that weakens the system.

    `setting` is a stable name of the list of checks (such as `ssh.root_login`,
    `snmp.default_community`, `telnet.enabled`); `value` is what stands there, masked where secret.
    """

    type: Literal["weakness"] = "weakness"
    setting: str
    service: str
    value: str
    evidence: Evidence


class KernelImage(Frozen):
    """A Linux kernel and, where its configuration is embedded or lies beside it, the options.

    `options` holds those `CONFIG_` options that the kernel's self-protection settings speak of,
    name without prefix → value (`y`, `m`, `n` = not set, or the text); empty with
    `configured` false where no configuration was found.
    """

    type: Literal["kernel"] = "kernel"
    version: str
    banner: str = ""
    configured: bool
    options: tuple[tuple[str, str], ...] = ()
    evidence: Evidence
