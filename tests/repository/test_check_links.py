"""What follows the links of the site finds each kind of broken one."""

from __future__ import annotations

import pytest

from ._tools import load

check_links = load("check_links")

WHOLE = """<html><head><link rel="stylesheet" href="a.css"><link rel="next" href="b/c.html"></head>
<body id="top"><a href="b/c.html#there">c</a> <a href="#top">top</a> <a href="https://example.org/x">out</a>
<img src="p.png" srcset="p.png, p.png 2.00x"><a name="old"></a><a href="">here</a><img src="DATA:image/png,1">
<a href="mailto:a@b.org">mail</a></body></html>"""


@pytest.fixture
def site(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "index.html").write_text(WHOLE)
    (tmp_path / "b" / "c.html").write_text(
        '<h1 id="there">c</h1><a href="../index.html#old">back</a>'
    )
    (tmp_path / "a.css").write_text(
        "body { background: url(p.png) } .x { mask: url('data:image/png,1') }"
    )
    (tmp_path / "p.png").write_bytes(b"")
    return tmp_path


def test_a_whole_site_passes(site, capsys):
    assert check_links.main([str(site), "--list"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "https://example.org/x  (index.html)" in said.out
    assert "2 pages: 0 broken links" in said.out


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ('<a href="nowhere.html">x</a>', "nowhere.html: there is no such file"),
        ('<a href="b/c.html#gone">x</a>', "b/c.html#gone: there is no element with this id"),
        ('<a href="../secret.html">x</a>', "leaves the site"),
        ('<a href="http//example.org">x</a>', "there is no such file"),
        ('<a href="https://exam ple.org/">x</a>', "is not the name of a host"),
        ('<a href="htp://example.org/">x</a>', "the scheme is 'htp'"),
        ('<a href="javascript:alert(1)">x</a>', "what is the scheme 'javascript'"),
        ('<script src="https://example.org/x.js"></script>', "loads https://example.org/x.js from another host"),
        ('<script src="//cdn.example.org/x.js"></script>', "from another host"),
        ('<link rel="preconnect" href="https://fonts.example.org">', "from another host"),
        ('<img srcset="p.png, missing.png 2x">', "missing.png: there is no such file"),
        ('<link rel="preload" imagesrcset="missing.png 2x">', "missing.png: there is no such file"),
        ('<link rel="apple-touch-icon" href="https://example.org/i.png">', "from another host"),
        ('<base href="https://example.org/">', "from another host"),
        ('<form action="search.html"></form>', "search.html: there is no such file"),
        ('<meta http-equiv="refresh" content="0; url=gone.html">', "gone.html: there is no such file"),
        ('<a href="B/C.html">x</a>', "B/C.html: there is no such file"),
        ('<a href="b/c.html?q=1#gone">x</a>', "there is no element with this id"),
        ('<a href="b%20c.html">x</a>', "there is no such file"),
        ('<a href="//example.org/x">x</a>', "the scheme is ''"),
        ('<a href="file:///index.html">x</a>', "what is the scheme 'file'"),
        ('<a href="https:/example.org">x</a>', "what is the scheme 'https'"),
        ('<a href="https://[example.org">x</a>', "Invalid IPv6 URL"),
        ('<img src="file:///p.png">', "what is the scheme 'file'"),
        ('<img src="http:p.png">', "what is the scheme 'http'"),
        ('<img src="https://[p.png">', "from another host"),
        ('<style>@import "https://example.org/y.css";</style>', "from another host"),
        ('<p style="background: url(https://example.org/z.png)">x</p>', "from another host"),
    ],
)  # fmt: skip
def test_a_broken_one_is_found(site, added, said, capsys):
    (site / "index.html").write_text(WHOLE.replace("</body>", f"\n{added}</body>"))
    assert check_links.main([str(site)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("index.html:5: ")
    assert said in error


def test_a_style_sheet_from_elsewhere_is_found(site, capsys):
    (site / "a.css").write_text("@font-face { src: url(https://example.org/font.woff2) }")
    assert check_links.main([str(site)]) == 1
    assert (
        "a.css: loads https://example.org/font.woff2 from another host" in capsys.readouterr().err
    )


def test_an_empty_folder_is_no_site(tmp_path, capsys):
    assert check_links.main([str(tmp_path)]) == 1
    assert "make docs" in capsys.readouterr().err
