"""Follow every link of a built site, and see that no page loads anything from elsewhere.

    python tools/check_links.py build/site

Each href, src, srcset, poster, action, refresh and url(…) must lead to a file of the site, and a fragment to an
element there. What a page loads by itself (scripts, styles, images, fonts, frames) may not come from another host.
Links that a reader may follow to other sites must be well-formed; they are counted, not followed, since machines that
build the site may be cut off. Exits with 1 where something is broken.
"""

from __future__ import annotations

import argparse
import functools
import os
import re
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Attributes that make a browser fetch something, by element; `a href` alone waits for the reader.
LOADS = {
    "audio": ("src",), "base": ("href",), "embed": ("src",), "iframe": ("src",),
    "img": ("src", "srcset"), "input": ("src",),
    "object": ("data",), "script": ("src",), "source": ("src", "srcset"), "track": ("src",),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"), "image": ("href", "xlink:href"), "link": ("imagesrcset",),
}  # fmt: skip
# Of `link`, what is fetched; the others (next, search, canonical …) are links.
FETCHED = {
    "stylesheet",
    "icon",
    "apple-touch-icon",
    "mask-icon",
    "preload",
    "modulepreload",
    "prefetch",
    "preconnect",
    "dns-prefetch",
    "manifest",
}
URL_IN_STYLE = re.compile(r"""url\(\s*['"]?([^'")]+)['"]?\s*\)|@import\s+['"]([^'"]+)['"]""")
REFRESH = re.compile(r"""^\s*[\d.]*\s*[;,]?\s*url\s*=\s*['"]?([^'"]+)""", re.IGNORECASE)
HOST = re.compile(
    r"^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$|^localhost$|^127\.0\.0\.1$", re.IGNORECASE
)


@dataclass
class Page:
    """What one page has and refers to; a target with the line on which it stands."""

    anchors: set[str] = field(default_factory=set)
    links: list[tuple[int, str]] = field(default_factory=list)
    loads: list[tuple[int, str]] = field(default_factory=list)


class Reader(HTMLParser):
    """Collects the anchors, links and loads of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self.style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """What an element refers to, and the anchors that it is."""
        values = {name: value or "" for name, value in attrs}
        line = self.getpos()[0]
        for name in ("id", "name"):
            if name in values and (name == "id" or tag == "a"):
                self.page.anchors.add(values[name])
        if tag in ("a", "area") and "href" in values:
            self.page.links.append((line, values["href"]))
        if tag == "form" and values.get("action"):
            self.page.links.append((line, values["action"]))
        if tag == "meta" and values.get("http-equiv", "").lower() == "refresh":
            self.page.links += [(line, url) for url in REFRESH.findall(values.get("content", ""))]
        if tag == "link" and "href" in values:
            fetched = set(values.get("rel", "").lower().split()) & FETCHED
            (self.page.loads if fetched else self.page.links).append((line, values["href"]))
        for name in LOADS.get(tag, ()):
            if values.get(name):
                parts = values[name].split(",") if name.endswith("srcset") else [values[name]]
                self.page.loads += [(line, part.split()[0]) for part in parts if part.strip()]
        self.page.loads += [(line, url) for url in urls(values.get("style", ""))]
        self.style = tag == "style"

    def handle_data(self, data: str) -> None:
        """What a style sheet within the page refers to."""
        if self.style:
            self.page.loads += [(self.getpos()[0], url) for url in urls(data)]

    def handle_endtag(self, tag: str) -> None:
        """The end of a style sheet, or of another element, whose text is none."""
        self.style = False


def urls(style: str) -> list[str]:
    """What a style sheet refers to."""
    return [a or b for a, b in URL_IN_STYLE.findall(style)]


def read(path: Path) -> Page:
    """One page of the site."""
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader.page


def elsewhere(url: str) -> bool:
    """Whether it names another host."""
    try:
        return bool(urlsplit(url).netloc)
    except ValueError:  # such as https://[x, which names none; it is malformed
        return True


def strange(url: str, allowed: str = "data") -> str:
    """The scheme of what is in no other place, such as file:///x and http:x, if it is not the one that may be."""
    scheme = urlsplit(url).scheme
    return "" if scheme == allowed else scheme


def malformed(url: str) -> str:
    """What is wrong with a link to another site, in words, or nothing."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        return str(error)
    if parts.scheme not in ("http", "https"):
        return f"the scheme is {parts.scheme!r}, not http or https"
    if not HOST.match(parts.hostname or ""):
        return f"{parts.hostname!r} is not the name of a host"
    return "it has a space" if re.search(r"\s", url) else ""


def check(root: Path) -> tuple[list[str], dict[str, str]]:
    """What is broken, a line each, and the links to other sites with a page that has each."""
    pages = {path: read(path) for path in sorted(root.rglob("*.html"))}
    broken: list[str] = []
    outside: dict[str, str] = {}
    for path, page in pages.items():
        where = path.relative_to(root).as_posix()
        for line, url in page.loads:
            if elsewhere(url):
                broken.append(f"{where}:{line}: loads {url} from another host")
            elif scheme := strange(url):
                broken.append(f"{where}:{line}: loads {url}: what is the scheme {scheme!r}?")
            elif not urlsplit(url).scheme:
                broken += [f"{where}:{line}: {what}" for what in missing(root, path, url, pages)]
        for line, url in page.links:
            if elsewhere(url):
                outside.setdefault(url, where)
                if wrong := malformed(url):
                    broken.append(f"{where}:{line}: {url}: {wrong}")
            elif scheme := strange(url, "mailto"):
                broken.append(f"{where}:{line}: {url}: what is the scheme {scheme!r}?")
            elif not urlsplit(url).scheme:
                broken += [f"{where}:{line}: {what}" for what in missing(root, path, url, pages)]
    for path in sorted(root.rglob("*.css")):
        where = path.relative_to(root).as_posix()
        for url in urls(path.read_text(encoding="utf-8")):
            if elsewhere(url):
                broken.append(f"{where}: loads {url} from another host")
            elif scheme := strange(url):
                broken.append(f"{where}: loads {url}: what is the scheme {scheme!r}?")
            elif not urlsplit(url).scheme and not url.startswith("#"):
                broken += [f"{where}: {what}" for what in missing(root, path, url, pages)]
    return broken, outside


def missing(root: Path, page: Path, url: str, pages: dict[Path, Page]) -> list[str]:
    """What of a link within the site is not there."""
    parts = urlsplit(url)
    target: Path | None = page
    if parts.path:
        target = found(root, page.parent, unquote(parts.path))
        if target is None:
            return [f"{url} leaves the site"]
        if not exists(target):
            return [f"{url}: there is no such file"]
    anchor = unquote(parts.fragment)
    if anchor and target in pages and anchor not in pages[target].anchors:
        return [f"{url}: there is no element with this id"]
    return []


@functools.cache
def found(root: Path, folder: Path, path: str) -> Path | None:
    """The file that a path leads to from a folder, or None where that is outside of the site."""
    base = root if path.startswith("/") else folder
    target = Path(os.path.normpath(base / path.lstrip("/")))
    if not target.is_relative_to(root):
        return None
    return target / "index.html" if target.is_dir() else target


@functools.cache
def exists(target: Path) -> bool:
    """Whether a file is there: the same few hundred are asked of every page."""
    return target.is_file()


def main(arguments: list[str] | None = None) -> int:
    """Check the site in a folder; the exit status says whether all links lead somewhere."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path, help="the folder of the built site")
    parser.add_argument("--list", action="store_true", help="name the links to other sites")
    options = parser.parse_args(arguments)
    root = options.build.resolve()
    if not any(root.rglob("*.html")):
        print(f"{options.build}: no page; build the site first (make docs)", file=sys.stderr)
        return 1
    found.cache_clear()
    exists.cache_clear()
    broken, outside = check(root)
    for line in broken:
        print(line, file=sys.stderr)
    if options.list:
        print(*(f"{url}  ({where})" for url, where in sorted(outside.items())), sep="\n")
    count = sum(1 for _ in root.rglob("*.html"))
    print(
        f"{count} pages: {len(broken)} broken links; nothing may be loaded from other hosts; "
        f"{len(outside)} links to other sites are well-formed unless said above, and were not followed"
    )
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
