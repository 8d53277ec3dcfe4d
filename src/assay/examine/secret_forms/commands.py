"""Rules for commands: passwords among the arguments of programs, in scripts and in programs.

Sources: the commands' own manual pages, named beside the rules.
"""

from assay.examine.secret_forms.rules import EVERYWHERE, rule

# Commands' own manual pages: curl(1), wget(1), mysql(1), sshpass(1), smbclient(1), ftpput.
_ARG = rb"""["']?(?P<value>[^\s"'`\0;|&<>)]{2,128})"""
COMMANDS = (
    rule(
        "curl-user",
        "curl",
        rb"\bcurl\b[^\n\0]{0,600}?[ \t](?:-[a-zA-Z]{0,6}u|--user|--proxy-user|-U)[ =]{0,3}"
        rb"""["']?(?P<holder>[^\s:"'$]{1,64}):(?P<value>[^\s"'`\0]{1,128})""",
        where=EVERYWHERE,
        case=True,
    ),
    rule(
        "wget-password",
        "wget",
        rb"\bwget\b[^\n\0]{0,600}?--(?:http-|ftp-|proxy-)?passw(?:or)?d[= ]" + _ARG,
        where=EVERYWHERE,
    ),
    rule(
        "mysql-password",
        "mysql mariadb",
        rb"\b(?:mysql|mariadb)[\w-]{0,12}[ \t][^\n\0|]{0,300}?[ \t]-p(?!ort|rot|ager|a?ss)" + _ARG,
        where=EVERYWHERE,
        case=True,
    ),
    rule(
        "mysql-password",
        "mysql mariadb",
        rb"(?:\b(?:mysql|mariadb)[\w-]{0,12}[ \t][^\n\0|]{0,300}?--password=|MYSQL_PWD=)" + _ARG,
        where=EVERYWHERE,
    ),
    # pppd(8), wpa_passphrase(8), snmpcmd(1), openssl-passphrase-options(1), mosquitto_pub(1),
    # smbclient(1), mount.cifs(8), redis-cli, ldapsearch(1), lftp(1), nmcli(1), ipmitool(1).
    rule(
        "ppp-secret",
        "pppd",
        rb"\bpppd\b[^\n\0]{0,600}?[ \t]password[ \t]+" + _ARG,
        where=EVERYWHERE,
    ),
    rule(
        "wifi-psk",
        "wpa_passphrase",
        rb"""\bwpa_passphrase[ \t]+(?P<holder>"[^"\n]{1,32}"|'[^'\n]{1,32}'|[\w.-]{1,32})[ \t]+"""
        + _ARG,
        where=EVERYWHERE,
        case=True,
    ),
    rule(
        "wifi-psk",
        "nmcli",
        rb"\bnmcli\b[^\n\0]{0,300}?[ \t](?:password|wifi-sec\.psk)[ \t]+" + _ARG,
        where=EVERYWHERE,
    ),
    rule(
        "snmp-community",
        "snmpget snmpset snmpwalk snmpbulk snmptrap snmpinform",
        rb"\bsnmp(?:get|set|walk|bulk|trap|inform)\w*[ \t][^\n\0]{0,200}?-c[ \t]*" + _ARG,
        where=EVERYWHERE,
        case=True,
    ),
    rule(
        "openssl-pass",
        "openssl",
        rb"\bopenssl\b[^\n\0]{0,400}?-pass(?:in|out)?[ \t]+pass:" + _ARG,
        where=EVERYWHERE,
        case=True,
    ),
    rule(
        "mqtt-password",
        "mosquitto_",
        rb"\bmosquitto_(?:pub|sub|rr|ctrl)\b[^\n\0]{0,400}?[ \t](?:-P|--pw)[ \t]+" + _ARG,
        where=EVERYWHERE,
        case=True,
    ),
    rule(
        "smb-password",
        "smbclient smbget smbmount rpcclient",
        rb"\b(?:smbclient|smbget|smbmount|rpcclient)\b[^\n\0]{0,300}?-U[ \t]*[\"']?"
        rb"(?P<holder>[\w.\\-]{1,40})%" + _ARG,
        where=EVERYWHERE,
        case=True,
    ),
    rule(
        "smb-password",
        "cifs",
        rb"\bcifs\b[^\n\0]{0,300}?[ \t,]pass(?:word)?=(?P<value>[^\s,\"'\0]{2,128})",
        where=EVERYWHERE,
    ),
    rule(
        "redis-password",
        "redis-cli",
        rb"\bredis-cli\b[^\n\0]{0,200}?[ \t](?:-a|--pass)[ \t]+" + _ARG,
        where=EVERYWHERE,
        case=True,
    ),
    rule(
        "ldap-bindpw",
        "ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami",
        rb"\bldap(?:search|add|modify|delete|whoami)\b[^\n\0]{0,400}?[ \t]-w[ \t]*" + _ARG,
        where=EVERYWHERE,
        case=True,
    ),
    rule(
        "ftp-password",
        "lftp ncftp ftpget ftpput",
        rb"\b(?:lftp\b[^\n\0]{0,200}?[ \t]-u[ \t]*[\w.@-]{1,60},|"
        rb"(?:ncftp(?:put|get)|ftp(?:get|put))\b[^\n\0]{0,200}?[ \t]-p[ \t]*)" + _ARG,
        where=EVERYWHERE,
        case=True,
    ),
    rule(
        "ipmi-password",
        "ipmitool",
        rb"\bipmitool\b[^\n\0]{0,300}?[ \t]-P[ \t]*" + _ARG,
        where=EVERYWHERE,
        case=True,
    ),
    rule(
        "passwd-input",
        "passwd",
        rb"""(?:echo|printf)\b[^\n\0|]{0,12}[ "'](?P<value>[^\s"'|\\\0]{2,64})\\n(?P=value)"""
        rb"""(?:\\n)?["']?[ \t]*\|[^\n\0|]{0,20}\bpasswd\b"""
        rb"""(?:[ \t]+(?P<holder>[a-z_][\w-]{0,31}))?""",
        where=EVERYWHERE,
        case=True,
    ),
    rule("sshpass", "sshpass", rb"\bsshpass[ \t]+-p[ \t]*" + _ARG, where=EVERYWHERE),
    rule(
        "chpasswd",
        "chpasswd",
        rb"""echo[^\n\0|]{0,20}[ "'](?P<holder>[a-z_][\w-]{0,31}):"""
        rb"""(?P<value>[^\s"'|:\0]{2,128})["']?[ \t]*\|[^\n\0]{0,40}chpasswd""",
        where=EVERYWHERE,
    ),
    rule(
        "option-password",
        "--password --passwd --passphrase",
        # Behind a blank stands prose as often: a word of small letters isn't taken there.
        rb"(?<![\w-])--(?:user-|login-|admin-)?(?:password|passwd|passphrase)"
        rb"(?:=|[ ](?=[\"']|[a-z]*[^\sa-z]))" + _ARG,
        where=EVERYWHERE,
        case=True,
        general=True,
    ),
)
