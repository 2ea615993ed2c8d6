#!/usr/bin/env python3
"""Tests the browser of the tests against small pages: what it finds, what it must not, and which cookies Chromium keeps."""

import json
import os
import struct
import subprocess
import sys
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import browser
from steps import StackError, say

GOOD = """<!doctype html><html lang="en"><head><title>Pay</title></head><body><main><h1>Pay DE89</h1>
<form method="post" action="/pay"><label>Comment <input name="comment"></label> <button>Approve</button> <button>Deny</button></form>
<p>{cookies}</p><p id="told">without script</p><noscript><p>no script runs here</p></noscript>
<script>document.getElementById("told").textContent = "by script"</script></main></body></html>"""
BAD = """<!doctype html><html><head><title>Pay</title></head><body><main><h1>Pay</h1><img src="data:,">
<input><p style="color:#bbb;background:#fff">pale</p></main></body></html>"""
STRICT = """<!doctype html><html lang="en"><head><title>Strict</title></head><body><main><h1>Strict</h1>
<script>document.title = "changed"</script><img alt="far" src="https://example.com/a.png"></main></body></html>"""
HOST_COOKIE = "__Host-session=secret; Path=/; Secure; HttpOnly; SameSite=Lax"


class Pages(BaseHTTPRequestHandler):
    paid: list[str] = []

    def do_GET(self) -> None:
        page = {"/bad": BAD, "/strict": STRICT}.get(self.path, GOOD.replace("{cookies}", self.headers.get("cookie") or "no cookie"))
        policy = {"content-security-policy": "default-src 'none'"} if self.path == "/strict" else {}
        self.say(403 if self.path == "/forbidden" else 200, page, policy | ({"set-cookie": HOST_COOKIE} if self.path == "/sign-in" else {}))

    def do_POST(self) -> None:
        self.paid.append(self.rfile.read(int(self.headers["content-length"])).decode())
        self.say(200, GOOD.replace("<h1>Pay", "<h1>Paid"), {})

    def say(self, status: int, page: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"content-type": "text/html; charset=utf-8", "content-length": str(len(page.encode())), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(page.encode())
        except OSError:
            pass  # the browser has gone on

    def log_message(self, *_: Any) -> None:
        pass


class Harness(unittest.TestCase):
    found: dict[str, str]
    out: str

    @classmethod
    def setUpClass(cls) -> None:
        pictures = tempfile.TemporaryDirectory()
        cls.out = pictures.name
        cls.addClassCleanup(pictures.cleanup)
        server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        cls.port = server.server_port
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        cls.addClassCleanup(server.server_close)
        cls.addClassCleanup(server.shutdown)

    def drive(self, text: str, *arguments: str, **environment: str) -> tuple[int, list[dict[str, Any]], str]:
        env = browser.environment(self.found) | {"CS_BROWSER_OUT": self.out} | environment
        command = [self.found["program"], self.found["script"], *arguments]
        done = subprocess.run(command, input=text, env=env, capture_output=True, text=True, timeout=120)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def script(self, *steps: dict[str, Any]) -> tuple[int, list[dict[str, Any]], str]:
        return self.drive(json.dumps({"base_url": f"http://127.0.0.1:{self.port}", "timeout_ms": 5000, "steps": steps}))

    def holds(self, *steps: dict[str, Any]) -> list[dict[str, Any]]:
        code, lines, error = self.script(*steps)
        self.assertEqual((code, error, len(lines)), (0, "", len(steps)), lines)
        return lines

    def test_pages_are_used_by_mouse_and_by_keyboard_alone(self) -> None:
        Pages.paid.clear()
        lines = self.holds(
            {"do": "goto", "url": "/"},
            {"do": "expect", "title": "Pay", "text": "by script", "role": "heading", "name": "Pay DE89", "absent": "no script"},
            {"do": "fill", "label": "Comment", "value": "fine"},
            {"do": "expect", "label": "Comment", "value": "fine"},
            {"do": "click", "role": "button", "name": "Approve"},
            {"do": "expect", "url": "/pay", "role": "heading", "name": "Paid DE89"},
            {"do": "back"},
            {"do": "tab_to", "role": "button", "name": "Deny"},
            {"do": "focused"},
            {"do": "press", "keys": ["Enter"]},
            {"do": "expect", "url": "/pay"},
            {"do": "goto", "url": "/"},
            {"do": "double_click", "role": "button", "name": "Approve"},
            {"do": "expect", "url": "/pay"},
            {"do": "text"},
            {"do": "html"},
        )
        self.assertEqual(Pages.paid[:2], ["comment=fine", "comment=fine"])
        self.assertEqual((lines[0]["status"], lines[7]["tabs"], lines[8]["focused"]["name"]), (200, 3, "Deny"))
        self.assertNotIn("fine", json.dumps(lines[2]))
        self.assertIn("Paid DE89", lines[14]["body"])
        self.assertIn("<h1>Paid DE89</h1>", lines[15]["html"])

    def test_axe_finds_what_was_planted_and_nothing_on_a_good_page(self) -> None:
        self.assertGreater(self.holds({"do": "goto", "url": "/"}, {"do": "axe"})[1]["passes"], 5)
        code, lines, _ = self.script({"do": "goto", "url": "/bad"}, {"do": "axe"}, {"do": "html"})
        planted = {"html-has-lang", "image-alt", "label", "color-contrast"}
        self.assertEqual((code, len(lines), lines[1]["ok"], {one["id"] for one in lines[1]["violations"]}), (1, 2, False, planted))

    def test_pages_are_seen_without_script_and_under_a_policy_of_content(self) -> None:
        lines = self.holds(
            {"do": "goto", "url": "/strict"},
            {"do": "axe"},
            {"do": "open", "in": "plain", "javascript": False},
            {"do": "goto", "url": "/"},
            {"do": "expect", "text": "no script runs here"},
            {"do": "expect", "text": "without script", "absent": "by script"},
            {"do": "click", "role": "button", "name": "Deny"},
            {"do": "expect", "role": "heading", "name": "Paid DE89"},
        )
        self.assertIn("Content Security Policy", " ".join(lines[0]["seen"]))
        code, _, error = self.script({"do": "open", "javascript": False}, {"do": "goto", "url": "/"}, {"do": "axe"})
        self.assertEqual((code, "axe needs a context with scripts" in error), (2, True))

    def test_secure_host_cookies_are_kept_on_loopback(self) -> None:
        """Chromium takes 127.0.0.1 and localhost for trustworthy, over http too."""
        for lines in self.at_both_hosts():
            kept = lines[1]["cookies"][0]
            self.assertEqual([kept[name] for name in ("name", "path", "secure", "httpOnly", "sameSite")],
                             ["__Host-session", "/", True, True, "Lax"])  # fmt: skip
            self.assertEqual(("value" in kept, lines[2]["cookies"][0]["value"]), (False, "secret"))

    def at_both_hosts(self) -> list[list[dict[str, Any]]]:
        steps: list[dict[str, Any]] = []
        for host in ("127.0.0.1", "localhost"):
            at = f"http://{host}:{self.port}"
            brought = {"name": "__Host-session", "value": "brought", "url": at, "secure": True, "httpOnly": True, "sameSite": "Lax"}
            steps += [
                {"do": "goto", "url": f"{at}/sign-in", "in": host},
                {"do": "cookies"},
                {"do": "cookies", "values": True},
                {"do": "goto", "url": at},
                {"do": "expect", "text": "__Host-session=secret"},
                {"do": "goto", "url": at, "in": f"another at {host}"},
                {"do": "expect", "text": "no cookie"},
                {"do": "set_cookies", "cookies": [brought]},
                {"do": "goto", "url": at},
                {"do": "expect", "text": "__Host-session=brought"},
            ]
        lines = self.holds(*steps)
        half = len(lines) // 2
        return [lines[:half], lines[half:]]

    def test_pictures_have_their_size_and_their_place(self) -> None:
        lines = self.holds({"do": "goto", "url": "/"}, {"do": "screenshot", "path": "test/pay.png", "width": 390, "height": 844})
        with open(lines[1]["path"], "rb") as file:
            self.assertEqual(struct.unpack(">II", file.read(24)[16:]), (390, 844))
        self.assertTrue(lines[1]["path"].startswith(self.out))
        self.assertEqual(self.script({"do": "goto", "url": "/"}, {"do": "screenshot", "path": "../pay.png"})[0], 2)

    def test_what_does_not_hold_fails(self) -> None:
        bad = [
            {"do": "click", "role": "button", "name": "Approv"},
            {"do": "expect", "text": "not there"},
            {"do": "expect", "absent": "Pay DE89"},
            {"do": "expect", "url": "/elsewhere"},
            {"do": "expect", "title": "Other"},
            {"do": "expect", "role": "button", "name": "Deny", "disabled": True},
            {"do": "expect", "role": "button", "name": "Deny", "focused": True},
            {"do": "expect", "label": "Comment", "value": "other"},
            {"do": "tab_to", "role": "heading", "name": "Pay DE89"},
            {"do": "fill", "label": "Amount", "value": "planted-value"},
            {"do": "goto", "url": "http://127.0.0.1:9/"},
            {"do": "goto", "url": "https://example.com/"},
        ]
        code, lines, _ = self.lines({"do": "goto", "url": "/"}, *bad, {"do": "goto", "url": "/forbidden"}, {"do": "expect", "text": "Approve"})
        self.assertEqual((code, [line["ok"] for line in lines]), (1, [True, *[False for _ in bad], True, True]), lines)
        self.assertEqual(lines[-2]["status"], 403)
        self.assertTrue(lines[2]["picture"].startswith(self.out))
        self.assertNotIn("planted-value", json.dumps(lines))

    def lines(self, *steps: dict[str, Any]) -> tuple[int, list[dict[str, Any]], str]:
        settings = {"base_url": f"http://127.0.0.1:{self.port}", "timeout_ms": 700}
        return self.drive("\n".join(map(json.dumps, [settings, *steps])), "--lines")

    def test_wrong_usage_and_no_browser_are_told_apart(self) -> None:
        for text in ["", "[]", "{", "{}", '{"steps": []}', '{"steps": [{"do": "fly"}]}', '{"steps": [{"do": "click"}]}']:
            with self.subTest(text):
                code, _, error = self.drive(text)
                self.assertEqual((code, error.startswith("error: ")), (2, True))
        self.assertEqual(self.drive('{"steps": [{"do": "html"}]}', CHROMIUM="/bin/false")[0], 3)


def main() -> int:
    try:
        found = browser.installed()
    except StackError as error:
        print(error.render(lines=40), file=sys.stderr)
        return 1
    if found is None:
        say("tests of pages: SKIPPED (see above)")
        return 0
    Harness.found = found
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    result = unittest.TextTestRunner(stream=sys.stderr, verbosity=0).run(unittest.defaultTestLoader.loadTestsFromTestCase(Harness))
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
