"""An address of its own for a function of a local stack that browsers open, so that browsers and the command can use it: the
emulator serves a function's URL below a path, where cookies, redirects and identity providers do not find it.

  front.py --port PORT --to URL
"""

import argparse
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Of one connection (RFC 9110 section 7.6.1), or made anew here.
OWN = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "host", "content-length", "date", "server"}
MOST = 8 * 1024 * 1024


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)


class Front(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    to = ""

    def pass_on(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        if length > MOST:
            self.send_error(413)
            return
        body = self.rfile.read(length) if length else None
        request = urllib.request.Request(self.to + self.path, data=body, method=self.command)
        for name, value in self.headers.items():
            if name.lower() not in OWN:
                request.add_header(name, value)
        try:
            with OPENER.open(request, timeout=60) as answer:
                self.answer(answer)
        except urllib.error.HTTPError as answer:
            self.answer(answer)
        except OSError as error:
            self.send_error(502, f"the function does not answer: {type(error).__name__}")

    def answer(self, answer) -> None:
        body = answer.read()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in OWN:
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = pass_on

    def log_message(self, *_) -> None:
        """Says nothing: addresses hold codes."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--to", required=True)
    asked = parser.parse_args()
    Front.to = asked.to
    ThreadingHTTPServer(("127.0.0.1", asked.port), Front).serve_forever()


if __name__ == "__main__":
    main()
