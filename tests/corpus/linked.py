"""Programs linked statically with known releases of libraries, stripped, for three architectures.

The libraries are Debian's own static ones, taken out of their packages without installing them;
the compilers are Debian's (gcc, gcc-arm-linux-gnueabihf, gcc-aarch64-linux-gnu).
"""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.corpus.apt import CorpusError, packages
from tests.corpus.cache import built

_TRIPLETS = {
    "amd64": "x86_64-linux-gnu",
    "armhf": "arm-linux-gnueabihf",
    "arm64": "aarch64-linux-gnu",
}
_PACKAGES = ("libssl-dev", "zlib1g-dev", "libmbedtls-dev")
_NAMES = {"openssl": "openssl", "zlib": "zlib", "mbedtls": "mbedtls"}

_TLS = """
#include <openssl/ssl.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <openssl/pem.h>
static int use_openssl(int n, char **v) {
  SSL_CTX *c = SSL_CTX_new(TLS_method());
  if (!c || n < 2) { ERR_print_errors_fp(stderr); return 1; }
  SSL_CTX_load_verify_locations(c, v[1], 0); SSL *s = SSL_new(c); SSL_set_fd(s, 3);
  SSL_connect(s); SSL_write(s, v[1], 1); X509 *x = PEM_read_X509(stdin, 0, 0, 0);
  return x ? X509_check_host(x, v[1], 0, 0, 0) : SSL_shutdown(s); }
"""
_ZLIB = """
#include <zlib.h>
static int use_zlib(int n, char **v) {
  unsigned char b[512]; uLongf l = sizeof b; gzFile f = gzopen(v[0], "rb"); gzread(f, b, 10);
  compress2(b, &l, (unsigned char *)v[0], n, 9); uncompress(b, &l, b, l);
  return gzclose(f) + crc32(0, b, 3); }
"""
_MBEDTLS = """
#include <mbedtls/ssl.h>
#include <mbedtls/entropy.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/error.h>
#include <mbedtls/debug.h>
#include <mbedtls/net_sockets.h>
static int use_mbedtls(int n, char **v) {
  mbedtls_ssl_context s; mbedtls_ssl_config c; mbedtls_x509_crt x; mbedtls_ctr_drbg_context d;
  mbedtls_entropy_context e; char b[200]; mbedtls_ssl_init(&s); mbedtls_ssl_config_init(&c);
  mbedtls_x509_crt_init(&x); mbedtls_ctr_drbg_init(&d); mbedtls_entropy_init(&e);
  mbedtls_ctr_drbg_seed(&d, mbedtls_entropy_func, &e, 0, 0);
  mbedtls_ssl_config_defaults(&c, n > 1, 0, 0);
  mbedtls_ssl_conf_rng(&c, mbedtls_ctr_drbg_random, &d);
  mbedtls_x509_crt_parse_file(&x, v[0]); mbedtls_ssl_conf_ca_chain(&c, &x, 0);
  mbedtls_ssl_setup(&s, &c); mbedtls_strerror(mbedtls_ssl_handshake(&s), b, 200); puts(b);
  mbedtls_debug_set_threshold(n); return mbedtls_ssl_read(&s, (void *)b, 9); }
"""
_PARTS = {"openssl": _TLS, "zlib": _ZLIB, "mbedtls": _MBEDTLS}
_LIBRARIES = {
    "openssl": ("-lssl", "-lcrypto"),
    "zlib": ("-lz",),
    "mbedtls": ("-lmbedtls", "-lmbedx509", "-lmbedcrypto"),
}
_PROGRAMS = (("openssl",), ("zlib",), ("mbedtls",), ("openssl", "zlib", "mbedtls"))


@dataclass(frozen=True, slots=True)
class Linked:
    """A program, and the libraries in it with their upstream versions."""

    path: Path
    truth: dict[str, str]


def linked() -> list[Linked]:
    """Twelve programs: four for each architecture.

    Raises:
        CorpusError: a compiler or a package can't be had here.
    """
    for triplet in _TRIPLETS.values():
        if not shutil.which(f"{triplet}-gcc"):
            raise CorpusError(f"{triplet}-gcc is not installed")
    folder = built("linked", _build)
    truth = json.loads((folder / "truth.json").read_text())
    return [Linked(folder / name, parts) for name, parts in sorted(truth.items())]


def _build(folder: Path) -> None:
    truth = {}
    for arch, triplet in _TRIPLETS.items():
        root = folder / "libraries" / arch
        root.mkdir(parents=True)
        versions = {}
        for package in packages(arch, _PACKAGES, dependencies=False):
            subprocess.run(["dpkg-deb", "-x", str(package.deb), str(root)], check=True)
            bare = package.source_version.split(":")[-1].rsplit("-", 1)[0]
            versions[package.source] = bare.removesuffix(".dfsg")
        for parts in _PROGRAMS:
            name = f"{arch}-{'-'.join(parts)}"
            _link(folder / name, parts, root, triplet)
            truth[name] = {part: versions[_NAMES[part]] for part in parts}
    shutil.rmtree(folder / "libraries")
    (folder / "truth.json").write_text(json.dumps(truth, indent=1) + "\n")


def _link(out: Path, parts: tuple[str, ...], root: Path, triplet: str) -> None:
    calls = " + ".join(f"use_{part}(n, v)" for part in parts)
    source = out.with_suffix(".c")
    source.write_text(
        "#include <stdio.h>\n"
        + "".join(_PARTS[part] for part in parts)
        + f"int main(int n, char **v) {{ return {calls}; }}\n"
    )
    libraries = [word for part in parts for word in _LIBRARIES[part]]
    words = [f"{triplet}-gcc", "-O2", "-w", "-static", "-s", str(source), "-o", str(out)]
    words += [f"-I{root}/usr/include", f"-I{root}/usr/include/{triplet}"]
    words += [f"-L{root}/usr/lib/{triplet}", *libraries, "-lpthread", "-ldl"]
    words += ["-latomic"] if triplet.startswith("arm-") else []
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    source.unlink()
    if done.returncode != 0:
        raise CorpusError(f"{out.name}: {done.stderr.strip()[-400:]}")
