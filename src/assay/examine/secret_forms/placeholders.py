"""Telling a value that is a secret from one that stands in for it."""

import re

# What a template, a shell, a printf format or an XSLT puts in, or a masked value.
_SYNTAX = re.compile(
    rb"""\$[\w({!*@#?-]|`|%[\w(%{-]|\{\{|\{%|<[\w /-]*>?|@[\w.-]+@|\{[\w.]*\}$|\[[\w ]*\]$
    |\\[$"'\\%]|(?:[*.xX_?#-]|\xe2\x80\xa2)+$|\.\.\.|&[lg]t;|&[A-Za-z][\w:.-]+$|\#\{|!(?:secret|vault|ref|env)|/run/|file:|env:
    |__\w+__$|REPLACE|INSERT|\|""",
    re.VERBOSE,
)
_TEMPLATED = re.compile(rb"\$\{?\w|\$\(|@[A-Z_]{3,}@|\{\{|%[ds]|%\(\w|\.\.\.|<[\w-]+>")
_WORDS = frozenset(
    b"""
    password passwd passphrase pass pwd secret mysecret mypassword mypass yourpassword value
    your_password your-password my_password my-password my-secret the_password key token string
    none null nil true false yes no on off auto ask prompt required optional requisite sufficient
    include file files compat db nis nisplus ldap sss systemd undef undefined default empty text
    hidden str int bytes char bool varchar object type foo bar baz foobar foopass abc example
    sample dummy test testing somepass somepassword some_password secretpassword example-password
    user username enabled disabled unset self input stdin pam env plain md5 sha sha256 crypt
    scram-sha-256 hash hashed encrypted clear cleartext readonly unknown not and or is
    """.split()
)
_CODE_NAME = re.compile(rb"(?:self|this|args?|options?|config|conf|os|sys|request|params?)[.\[>-]")
# Names of attributes and fields: User-Password, clientSecret.
_ATTRIBUTE = re.compile(rb"[A-Za-z][A-Za-z-]{2,}(?:-|(?=[A-Z]))(?:Password|Secret|Key|Token)\"?")
_SAMPLES = frozenset((b"pass:insta",))  # openssl.cnf's section on a public demonstration CA
_CALL = re.compile(rb"[\w.:>-]+\(|[\w.]+\[")


def stands_in(value: bytes) -> bool:
    """Whether the value's form alone says that something else comes in its place."""
    stripped = value.strip()
    if not stripped or _SYNTAX.match(stripped) or _TEMPLATED.search(stripped):
        return True
    return any(byte < 32 or byte == 127 for byte in stripped)  # noqa: PLR2004


def unlikely(value: bytes) -> bool:
    """Whether a value found by the setting's name alone is a word of documents or code."""
    word = value.strip().lower()
    if len(word) < 4 or word.strip(b"_-.:<>[](){}*") in _WORDS:  # noqa: PLR2004
        return True
    if b" " in word or _ATTRIBUTE.fullmatch(value) or value in _SAMPLES:
        return True
    if b"example" in word or b"your" in word or b"placeholder" in word:
        return True
    return bool(
        _CODE_NAME.match(word) or _CALL.match(word) or word.startswith((b"/", b"~/", b"./", b"-"))
    )
