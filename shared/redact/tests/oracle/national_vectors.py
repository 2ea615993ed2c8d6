#!/usr/bin/env python3
"""Writes ../data/national_vectors.json: per check, values that obey its rule and values that break it.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install python-stdnum==2.2
    /tmp/venv/bin/python shared/redact/tests/oracle/national_vectors.py

Every value is random: drawn from a seeded generator, never from a document or a person. The judge of a value is
python-stdnum where it knows the number, called as a black box ("oracle": "python-stdnum"); where our rule asks for
more than stdnum's, both have to agree to a valid value ("python-stdnum and more"); where stdnum has no such
number, a second implementation below, written apart from the Rust one ("independent").
"""

import datetime
import json
import os
import random
import re
import string


class FixedDate(datetime.date):
    """stdnum refuses dates of birth in the future; vectors must not change with the day they are made."""

    @classmethod
    def today(cls):
        return cls(2035, 12, 31)


datetime.date = FixedDate

from stdnum import bic, imei, lei, luhn, verhoeff  # noqa: E402
from stdnum.at import tin as at_tin, uid as at_uid, vnr as at_vnr  # noqa: E402,F401
from stdnum.be import bis as be_bis, eid as be_eid, nn as be_nn, vat as be_vat  # noqa: E402
from stdnum.bg import egn as bg_egn, pnf as bg_pnf, vat as bg_vat  # noqa: E402
from stdnum.ch import ssn as ch_ssn, uid as ch_uid  # noqa: E402
from stdnum.cy import vat as cy_vat  # noqa: E402
from stdnum.cz import bankaccount as cz_bankaccount, dic as cz_dic, rc as cz_rc  # noqa: E402
from stdnum.de import idnr as de_idnr  # noqa: E402
from stdnum.dk import cpr as dk_cpr, cvr as dk_cvr  # noqa: E402
from stdnum.ee import ik as ee_ik, registrikood as ee_registrikood  # noqa: E402
from stdnum.es import ccc as es_ccc, cif as es_cif, dni as es_dni, nie as es_nie  # noqa: E402
from stdnum.eu import vat as eu_vat  # noqa: E402
from stdnum.fi import alv as fi_alv, hetu as fi_hetu  # noqa: E402
from stdnum.fr import nif as fr_nif, nir as fr_nir, siren as fr_siren, siret as fr_siret  # noqa: E402
from stdnum.gb import nhs as gb_nhs, upn as gb_upn, utr as gb_utr, vat as gb_vat  # noqa: E402
from stdnum.gr import amka as gr_amka, vat as gr_vat  # noqa: E402
from stdnum.hr import oib as hr_oib  # noqa: E402
from stdnum.hu import anum as hu_anum  # noqa: E402
from stdnum.ie import pps as ie_pps  # noqa: E402
from stdnum.il import hp as il_hp, idnr as il_idnr  # noqa: E402
from stdnum.it import codicefiscale as it_cf, iva as it_iva  # noqa: E402
from stdnum.lt import asmens as lt_asmens  # noqa: E402
from stdnum.lv import pvn as lv_pvn  # noqa: E402
from stdnum.nl import bsn as nl_bsn, onderwijsnummer as nl_onderwijsnummer  # noqa: E402
from stdnum.no import fodselsnummer as no_fnr, kontonr as no_kontonr, orgnr as no_orgnr  # noqa: E402
from stdnum.pl import nip as pl_nip, pesel as pl_pesel, regon as pl_regon  # noqa: E402
from stdnum.pt import cc as pt_cc, nif as pt_nif  # noqa: E402
from stdnum.ro import cf as ro_cf, cnp as ro_cnp  # noqa: E402
from stdnum.se import orgnr as se_orgnr, personnummer as se_personnummer  # noqa: E402
from stdnum.si import ddv as si_ddv, emso as si_emso  # noqa: E402
from stdnum.sk import dph as sk_dph  # noqa: E402
from stdnum.us import ein as us_ein, itin as us_itin, ptin as us_ptin, rtn as us_rtn, ssn as us_ssn  # noqa: E402

COUNT = 200
R = random.Random(20350101)
DIGITS, LETTERS = string.digits, string.ascii_uppercase


# -- drawing ---------------------------------------------------------------------------------------------------

def draw(mask):
    """9 a digit, A a letter, X either; anything else stands for itself. Parts may be functions."""
    if callable(mask):
        return mask()
    if isinstance(mask, (list, tuple)):
        return "".join(draw(part) for part in mask)
    sets = {"9": DIGITS, "A": LETTERS, "X": DIGITS + LETTERS}
    return "".join(R.choice(sets.get(c, c)) for c in mask)


def day(form, first=1900, last=2024, **shift):
    def make():
        date = datetime.date(first, 1, 1) + datetime.timedelta(days=R.randrange((last - first + 1) * 365))
        text = {"Y": f"{date.year:04}", "y": f"{date.year % 100:02}", "m": f"{date.month + R.choice(shift.get('month', [0])):02}",
                "d": f"{date.day + R.choice(shift.get('day', [0])):02}"}
        return "".join(text[c] for c in form)
    return make


def one_of(*masks):
    return lambda: draw(R.choice(masks))


# -- independent rules -----------------------------------------------------------------------------------------

def full(pattern):
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


def ints(text):
    return [int(c, 36) for c in text]


def dot(text, *weights):
    values = ints(text)
    assert len(values) == len(weights), (text, weights)
    return sum(v * w for v, w in zip(values, weights))


def cross(n):
    return sum(int(c) for c in str(n))


def real(year, month, dayno):
    try:
        datetime.datetime(year, month, dayno)
    except ValueError:
        return False
    return True


def real_short(yy, month, dayno):
    return real(1900 + yy, month, dayno) or real(2000 + yy, month, dayno)


def il_short(t):
    return bool(full(r"\d{7,8}")(t)) and il_idnr.is_valid(t.zfill(9))


def il_bank(t):
    banks = "03 04 09 10 11 12 13 14 17 18 20 22 23 26 31 34 39 46 52 54 68".split()
    return full(r"\d{9,14}")(t) and t[:2] in banks


def at_month(t):
    return 1 <= int(t[4:6]) <= 31 and 1 <= int(t[6:8]) <= 15


def at_check(t):
    return full(r"\d{9}")(t) and t != "0" * 9 and at_tin.calc_check_digit(t[:8]) == t[8]


def de_rvnr(t):
    if not full(r"\d{8}[A-Z]\d{3}")(t) or int(t[2:4]) > 31 or int(t[4:6]) > 12:
        return False
    line = t[:8] + f"{ord(t[8]) - 64:02}" + t[9:11]
    return sum(cross(int(c) * w) for c, w in zip(line, [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1])) % 10 == int(t[11])


def de_kvnr(t):
    if not full(r"[A-Z]\d{9}")(t):
        return False
    line = f"{ord(t[0]) - 64:02}" + t[1:9]
    return sum(cross(int(c) * w) for c, w in zip(line, [1, 2] * 5)) % 10 == int(t[9])


def de_serial(first):
    return lambda t: full(f"[{first}][0-9CFGHJKLMNPRTVWXYZ]{{8}}")(t) and any(c.isdigit() for c in t)


def de_document(first):
    return lambda t: len(t) == 10 and t[9].isdigit() and de_serial(first)(t[:9]) \
        and dot(t[:9], 7, 3, 1, 7, 3, 1, 7, 3, 1) % 10 == int(t[9])


def de_lanr(t):
    return full(r"\d{9}")(t) and (dot(t[:6], 4, 9, 4, 9, 4, 9) + int(t[6])) % 10 == 0


def es_nuss(t):
    if not full(r"\d{12}")(t) or t[:2] == "00":
        return False
    own = t[2:10]
    line = t[:2] + (own[1:] if own[0] == "0" else own)
    return int(line) % 97 == int(t[10:])


def hu_taj(t):
    return full(r"\d{9}")(t) and t != "0" * 9 and (3 * sum(ints(t[0:8:2])) + 7 * sum(ints(t[1:8:2]))) % 10 == int(t[8])


def hu_adoszam(t):
    return full(r"\d{8}[1-5]\d\d")(t) and hu_anum.is_valid(t[:8]) and int(t[9:]) in {*range(2, 21), *range(22, 45), 51}


def hu_szemelyi(t):
    if not full(r"[1-8]\d{10}")(t):
        return False
    first, year, month, dayno = int(t[0]), int(t[1:3]), int(t[3:5]), int(t[5:7])
    new = first in (3, 4) or (first in (1, 2) and year > 96)
    if first > 4:
        ok = real_short(year, month, dayno)
    else:
        ok = real((2000 if first > 2 else 1900) + year, month, dayno) and not (first > 2 and year > 35)
    line = t[:10][::-1] if new else t[:10]
    return ok and sum((i + 1) * int(c) for i, c in enumerate(line)) % 11 == int(t[10])


def hu_adojel(t):
    return full(r"8\d{9}")(t) and sum((i + 1) * int(c) for i, c in enumerate(t[:9])) % 11 == int(t[9])


def lu_matricule(t):
    if not full(r"\d{13}")(t):
        return False
    year, month, dayno = int(t[:4]), int(t[4:6]), int(t[6:8])
    return 1800 <= year <= 2035 and real(year, month, dayno) and luhn.is_valid(t[:12]) and verhoeff.is_valid(t[:11] + t[12])


def pl_document(pattern, check_at):
    def judge(t):
        if not full(pattern)(t):
            return False
        line, weights = t[:check_at] + t[check_at + 1:], [7, 3, 1, 7, 3, 1, 7, 3]
        return dot(line, *weights) % 10 == int(t[check_at])
    return judge


def pl_pwz(t):
    return full(r"[1-9]\d{6}")(t) and sum((i + 1) * int(c) for i, c in enumerate(t[1:])) % 11 == int(t[0])


def pt_niss(t):
    return full(r"[12]\d{10}")(t) and 9 - dot(t[:10], 29, 23, 19, 17, 13, 11, 7, 5, 3, 2) % 10 == int(t[10])


def cz_old(t):
    return full(r"\d{9}")(t) and int(t[:2]) < 54 and cz_rc.is_valid(t)


def cz_account(t):
    # Ours also sees accounts whose writing had its dash and slash taken out.
    if full(r"\d{20}")(t):
        text = f"{t[:6]}-{t[6:16]}/{t[16:]}"
    elif full(r"\d{9,14}")(t):
        text = f"{t[:-4]}/{t[-4:]}"
    else:
        return False
    account = t[-14:-4] if len(t) == 20 else t[:-4]
    prefix = t[:6] if len(t) == 20 else "0"
    del text
    weights = [1, 2, 4, 8, 5, 10, 9, 7, 3, 6]
    total = lambda digits: sum(int(c) * w for c, w in zip(reversed(digits), weights))  # noqa: E731
    return int(account) > 0 and total(account) % 11 == 0 and total(prefix) % 11 == 0


def gb_nino(t):
    return full(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]")(t) and t[0] != "O"


def gb_chi(t):
    return full(r"\d{10}")(t) and real_short(int(t[4:6]), int(t[2:4]), int(t[:2])) and gb_nhs.is_valid(t)


def gb_driving(t):
    if not full(r"[A-Z][A-Z9]{4}\d{6}[A-Z9]{2}\d[A-Z]{2}")(t) or not full(r"[A-Z]+9*")(t[:5]):
        return False
    month = int(t[6:8])
    return real(2000, month - 50 if month > 50 else month, int(t[8:10]))


def gb_upn_check(t):
    if not full(r"[A-Z]\d{11}[0-9A-Z]")(t) or any(c in "IOS" for c in t):
        return False
    return gb_upn.calc_check_digit(t[1:]) == t[0]


def npi(t):
    return full(r"[12]\d{9}")(t) and luhn.is_valid("80840" + t)


def dea(t):
    if not full(r"[ABCDEFGHJKLMPRSTUX][A-Z9]\d{7}")(t):
        return False
    d = ints(t[2:])
    return (d[0] + d[2] + d[4] + 2 * (d[1] + d[3] + d[5])) % 10 == d[6]


MBI_LETTER = "[AC-HJKMNP-RT-Y]"
MBI_EITHER = "[0-9AC-HJKMNP-RT-Y]"
mbi = full(rf"[1-9]{MBI_LETTER}{MBI_EITHER}\d{MBI_LETTER}{MBI_EITHER}\d{MBI_LETTER}{{2}}\d\d")


def vin_shape(t):
    return full(r"[A-HJ-NPR-Z0-9]{13}\d{4}")(t) and sum(c.isalpha() for c in t) >= 3


def vin(t):
    if not vin_shape(t):
        return False
    table = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9]))
    weights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2]
    rest = sum(table.get(c, ord(c) - 48) * w for c, w in zip(t, weights)) % 11
    return t[8] == ("X" if rest == 10 else str(rest))


def age(year):
    return 1900 <= year <= 2035


def date_day_first(t):
    if not full(r"\d{6,8}")(t):
        return False
    head, year = t[:-4], int(t[-4:])
    pairs = [(int(head[:i]), int(head[i:])) for i in (1, 2) if 0 < len(head) - i <= 2]
    return age(year) and any(real(year, a, b) or real(year, b, a) for a, b in pairs)


def date_year_first(t):
    digits = re.sub(r"\D", "", t)
    return len(digits) >= 8 and age(int(digits[:4])) and real(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))


def date_short_year(t):
    if not full(r"\d{6}")(t):
        return False
    a, b, c = int(t[:2]), int(t[2:4]), int(t[4:])
    return real_short(c, b, a) or real_short(c, a, b) or real_short(a, b, c)


NAMES = {1: "JAN JANUARY JANUAR JANVIER JANV ENERO ENE GENNAIO GEN JANEIRO JANUARI",
         2: "FEB FEBRUARY FEBRUAR FEVRIER FEVR FEBRERO FEBBRAIO FEVEREIRO FEV FEBRUARI",
         3: "MAR MARCH MARS MARZO MARCO MAART MRT", 4: "APR APRIL AVRIL AVR ABRIL ABR APRILE",
         5: "MAY MAI MAYO MAGGIO MAG MAIO MEI", 6: "JUN JUNE JUNI JUIN JUNIO GIUGNO GIU JUNHO",
         7: "JUL JULY JULI JUILLET JUIL JULIO LUGLIO LUG JULHO", 8: "AUG AUGUST AOUT AGOSTO AGO AUGUSTUS",
         9: "SEP SEPT SEPTEMBER SEPTEMBRE SEPTIEMBRE SETTEMBRE SET SETEMBRO",
         10: "OCT OCTOBER OKTOBER OKT OCTOBRE OCTUBRE OTTOBRE OTT OUTUBRO OUT",
         11: "NOV NOVEMBER NOVEMBRE NOVIEMBRE NOVEMBRO",
         12: "DEC DECEMBER DEZEMBER DEZ DECEMBRE DICIEMBRE DIC DICEMBRE DEZEMBRO"}
MONTH = {name: number for number, names in NAMES.items() for name in names.split()}


def date_month_name(t):
    found = re.fullmatch(r"(\d{1,2})(?:DE)?([A-Z]+?)(?:DE)?(\d{4})", t) or re.fullmatch(r"()([A-Z]+)(\d{5,6})", t)
    if not found:
        return False
    before, name, rest = found.groups()
    dayno, year = (before, rest) if before else (rest[:-4], rest[-4:])
    return name in MONTH and age(int(year)) and real(int(year), MONTH[name], int(dayno))


def named_day():
    name = R.choice(list(MONTH))
    dayno, year = R.randrange(1, 32), R.randrange(1900, 2036)
    return R.choice([f"{dayno}{name}{year}", f"{name}{dayno:02}{year}", f"{dayno}DE{name}DE{year}"])


# -- the table -------------------------------------------------------------------------------------------------
# name: (kind, judge, how to draw a likely value)

S, M, I = "python-stdnum", "python-stdnum and more", "independent"


def both(module, more):
    return lambda t: bool(more(t)) and module.is_valid(t)


def se(day_shift):
    def judge(t):
        compact = t.replace("+", "").replace("-", "")
        if not full(r"(\d{2})?\d{6}[-+]?\d{4}")(t) or (len(compact) == 12 and not 1800 <= int(t[:4]) <= 2035):
            return False
        ten = compact[-10:]
        dayno = int(ten[4:6]) - day_shift
        year = int(compact[:4]) if len(compact) == 12 else None
        ok = real(year, int(ten[2:4]), dayno) if year else real_short(int(ten[:2]), int(ten[2:4]), dayno)
        return dayno <= 31 and ok and luhn.is_valid(ten)
    return judge


def se_person(t):
    # stdnum asks for the writing of the number; the sum and the date are what we share.
    return se(0)(t) and (len(t) != 10 or se_personnummer.is_valid(t[:6] + "-" + t[6:]))


def fi_hetu_any(t):
    """stdnum wants the sign; without it, a dash is meant. Numbers given for a time are ours too."""
    text = t if len(t) == 11 else t[:6] + "-" + t[6:]
    return full(r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Y]")(text) and fi_hetu.is_valid(text, allow_temporary=True)


def sk_dic(t):
    # stdnum also takes birth numbers here.
    return full(r"[1-9]\d[2-47-9]\d{7}")(t) and int(t) % 11 == 0


def sk_vat(t):
    months = {*range(1, 13), *range(21, 33), *range(51, 63), *range(71, 83)}
    alive = not 35 < int(t[:2]) < 54
    return sk_dic(t) or (alive and cz_rc.is_valid(t) and int(t[2:4]) in months)


def lv_person(t):
    """stdnum takes newer codes from 32 only; those up to 39 are second-guessed here."""
    if full(r"3[3-9]\d{9}")(t):
        return (1101 - dot(t[:10], 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)) % 11 % 10 == int(t[10])
    return full(r"[0-3]\d{10}")(t) and lv_pvn.is_valid(t)


def born(t):
    """A first digit of 5 or 6 stands for the 2000s: nobody is from after 2035."""
    return t[0] not in "56" or int(t[1:3]) <= 35


def fr_shape(t):
    month = int(t[3:5])
    return t[0] in "123478" and (1 <= month <= 12 or 20 <= month <= 42 or 50 <= month)


def nl_document(t):
    return full(r"[A-NP-Z]{2}[A-NP-Z0-9]{6}\d")(t)


RTN = {f"{n:02}" for n in [*range(0, 13), *range(21, 33), *range(61, 73), 80]}

CHECKS = {
    "il_id": (S, il_idnr.is_valid, "999999999"),
    "il_id_short": (M, il_short, one_of("9999999", "99999999")),
    "il_company": (S, il_hp.is_valid, "599999999"),
    "il_bank_account": (I, il_bank, [one_of("10", "11", "12", "20", "31", "04"), one_of("9999999", "999999999", "99999999999")]),
    "de_idnr": (M, both(de_idnr, lambda t: not re.search(r"(\d)\1\1", t[:10])), "99999999999"),
    "de_w_idnr": (M, lambda t: bool(full(r"DE[1-9]\d{13}")(t)) and eu_vat.is_valid(t[:11]), "DE99999999999999"),
    "de_rvnr": (I, de_rvnr, ["99", day("dmy"), "A999"]),
    "de_kvnr": (I, de_kvnr, "A999999999"),
    "de_id_card": (I, de_document("LMNPRTVWXY"), [one_of(*"LMNPRTVWXY"), "XXXXXXXX9"]),
    "de_id_card_serial": (I, de_serial("LMNPRTVWXY"), [one_of(*"LMNPRTVWXY"), "XXXXXXXX"]),
    "de_passport": (I, de_document("CFGHJK"), [one_of(*"CFGHJK"), "XXXXXXXX9"]),
    "de_passport_serial": (I, de_serial("CFGHJK"), [one_of(*"CFGHJK"), "XXXXXXXX"]),
    "de_lanr": (I, de_lanr, "999999999"),
    "de_register": (I, full(r"HR[AB]\d{1,6}"), ["HR", one_of(*"AB"), one_of("9", "999", "9999", "99999", "999999")]),
    "fr_nir": (M, lambda t: bool(full(r"\d{5}(\d\d|2A|2B)\d{8}")(t)) and fr_shape(t) and fr_nir.is_valid(t),
               [one_of("1", "2"), day("ym"), one_of("99", "99", "99", "2A", "2B"), "99999999"]),
    "fr_spi": (S, fr_nif.is_valid, lambda: spi()),
    "fr_siren": (S, fr_siren.is_valid, "999999999"),
    "fr_siret": (S, fr_siret.is_valid, lambda: siret()),
    "at_svnr": (M, both(at_vnr, lambda t: full(r"\d{10}")(t) and at_month(t)), ["9999", day("dmy")]),
    "at_tin": (M, at_check, "999999999"),
    "be_nn": (S, be_nn.is_valid, lambda: be_number([0])),
    "be_bis": (S, be_bis.is_valid, lambda: be_number([20, 40])),
    "be_enterprise": (M, both(be_vat, full(r"[01]\d{9}")), lambda: be_enterprise()),
    "be_eid": (S, be_eid.is_valid, "999999999999"),
    "ie_pps": (S, ie_pps.is_valid, ["9999999A", one_of("", "A", "B", "H", "W", "T", "X")]),
    "lu_matricule": (I, lu_matricule, [day("Ymd"), "99999"]),
    "nl_bsn": (M, both(nl_bsn, full(r"\d{8,9}")), one_of("999999999", "99999999")),
    "nl_education": (S, nl_onderwijsnummer.is_valid, "109999999"),
    "nl_document": (I, nl_document, "AAXXXXXX9"),
    "dk_cpr": (S, dk_cpr.is_valid, [day("dmy"), "9999"]),
    "dk_cvr": (S, dk_cvr.is_valid, "99999999"),
    "ee_ik": (M, both(ee_ik, born), [one_of(*"123456"), day("ymd"), "9999"]),
    "ee_company": (S, ee_registrikood.is_valid, [one_of(*"1789"), "9999999"]),
    "fi_hetu": (M, fi_hetu_any, [day("dmy"), one_of("", "", "A", "+", "Y", "B"), "999X"]),
    "fi_business": (M, lambda t: full(r"\d{8}")(t) and fi_alv.is_valid(t), "99999999"),
    "lt_asmens": (M, both(lt_asmens, lambda t: full(r"[1-69]\d{10}")(t) and born(t)), [one_of(*"34569"), day("ymd"), "9999"]),
    "lv_pk": (M, lv_person, one_of([day("dmy"), one_of(*"012"), "9999"], ["3", one_of(*"23456789"), "999999999"])),
    "lv_pk_new": (I, full(r"3[2-9]\d{9}"), ["3", one_of(*"23456789"), "999999999"]),
    "lv_company": (M, both(lv_pvn, full(r"[4-9]\d{10}")), [one_of(*"456789"), "9999999999"]),
    "se_personnummer": (M, se_person, [one_of(day("ymd"), day("Ymd"), [day("ymd", 1900, 1930), "+"]), "9999"]),
    "se_samordning": (I, se(60), [one_of(day("ymd", day=[60]), day("Ymd", day=[60])), "9999"]),
    "se_orgnr": (M, both(se_orgnr, full(r"[1-9]\d[2-9]\d{7}")), "9999999999"),
    "cy_tic": (S, cy_vat.is_valid, "99999999A"),
    "es_dni": (S, es_dni.is_valid, "99999999A"),
    "es_nie": (S, es_nie.is_valid, [one_of(*"XYZ"), "9999999A"]),
    "es_cif": (S, es_cif.is_valid, [one_of(*"ABCDEFGHJNPQRSUVW"), "9999999", one_of("9", *"ABCDEFGHIJ")]),
    "es_nuss": (I, es_nuss, lambda: nuss()),
    "es_ccc": (S, es_ccc.is_valid, "99999999999999999999"),
    "gr_amka": (S, gr_amka.is_valid, [day("dmy"), "99999"]),
    "gr_afm": (S, gr_vat.is_valid, "999999999"),
    "gr_id_card": (I, full(r"[ABEZHIKMNOPTYX]{2}\d{6}"), [one_of(*"ABEZHIKMNOPTYX"), one_of(*"ABEZHIKMNOPTYX"), "999999"]),
    "it_cf": (M, both(it_cf, full(r"[A-Z]{6}.{5}[A-MZ].{4}")), lambda: codice()),
    "it_iva": (S, it_iva.is_valid, ["9999999", one_of("0", "0", "1"), "999"]),
    "mt_id": (I, full(r"(?!0000000)\d{7}[ABGHLMPZ]"), ["9999999", one_of(*"ABGHLMPZ")]),
    "pt_nif": (S, pt_nif.is_valid, "999999999"),
    "pt_niss": (I, pt_niss, [one_of("1", "2"), "9999999999"]),
    "pt_cc": (M, both(pt_cc, full(r"\d{9}[A-Z][A-Z0-9]\d")), "999999999AX9"),
    "bg_egn": (S, bg_egn.is_valid, [day("ymd", 1900, 1999), "9999"]),
    "bg_lnch": (S, bg_pnf.is_valid, "9999999999"),
    "bg_eik": (M, both(bg_vat, full(r"\d{9}")), "999999999"),
    "hr_oib": (S, hr_oib.is_valid, "99999999999"),
    "cz_rc": (M, both(cz_rc, full(r"\d{10}")), [day("ymd", 1954, 2024, month=[0, 50]), "9999"]),
    "cz_rc_old": (M, cz_old, [day("ymd", 1900, 1953, month=[0, 50]), "999"]),
    "cz_ico": (M, both(cz_dic, full(r"\d{8}")), "99999999"),
    "cz_account": (I, cz_account, one_of("999999999", "99999999999999", "99999999999999999999")),
    "sk_dic": (M, both(sk_dph, sk_dic), "9999999999"),
    "hu_adoszam": (M, hu_adoszam, ["99999999", one_of(*"12345"), "99"]),
    "hu_taj": (I, hu_taj, "999999999"),
    "hu_szemelyi": (I, hu_szemelyi, lambda: szemelyi()),
    "hu_adojel": (I, hu_adojel, "8999999999"),
    "pl_pesel": (S, pl_pesel.is_valid, [day("ymd", 1900, 1999), "99999"]),
    "pl_nip": (S, pl_nip.is_valid, "9999999999"),
    "pl_regon": (M, both(pl_regon, full(r"\d{9}")), "999999999"),
    "pl_regon_long": (M, both(pl_regon, full(r"\d{14}")), "99999999999999"),
    "pl_id_card": (I, pl_document(r"[A-Z]{3}\d{6}", 3), "AAA999999"),
    "pl_passport": (I, pl_document(r"[A-Z]{2}\d{7}", 2), "AA9999999"),
    "pl_pwz": (I, pl_pwz, "9999999"),
    "ro_cnp": (M, both(ro_cnp, lambda t: born(t) or t[0] in "34"), [one_of(*"1256"), day("ymd"), one_of("1", "2", "3"), "99999"]),
    "ro_cui": (M, both(ro_cf, full(r"[1-9]\d{1,9}")), one_of("999999", "99999999", "9999999999")),
    "si_emso": (M, both(si_emso, lambda t: not 35 < int(t[4:7]) < 800), lambda: emso()),
    "si_ddv": (S, si_ddv.is_valid, "99999999"),
    "gb_nhs": (S, gb_nhs.is_valid, "9999999999"),
    "gb_chi": (M, gb_chi, [day("dmy"), "9999"]),
    "gb_nino": (I, gb_nino, ["AA999999", one_of(*"ABCD")]),
    "gb_utr": (S, gb_utr.is_valid, "9999999999"),
    "gb_vat": (M, lambda t: bool(full(r"(GB)?(\d{9}|\d{12})")(t)) and gb_97(t) and gb_vat.is_valid(t), one_of("999999999", "999999999", "GB999999999", "999999999999", "GB999999999999")),
    "gb_driving": (I, gb_driving, [one_of("AAAAA", "AAA99"), "9", day("md", month=[0, 50]), "9", one_of("AA", "A9", "99"), "9AA"]),
    "gb_upn": (M, gb_upn_check, one_of("A999999999999", "A99999999999A")),
    "ch_ahv": (S, ch_ssn.is_valid, "7569999999999"),
    "ch_uid": (S, ch_uid.is_valid, "CHE999999999"),
    "no_fnr": (S, no_fnr.is_valid, lambda: fnr()),
    "no_orgnr": (M, lambda t: bool(full(r"(NO)?\d{9}(MVA)?")(t)) and no_orgnr.is_valid(re.sub("[A-Z]", "", t)),
                 one_of("999999999", "NO999999999MVA", "999999999MVA")),
    "no_account": (S, no_kontonr.is_valid, "99999999999"),
    "us_ssn": (S, us_ssn.is_valid, "999999999"),
    "us_itin": (M, lambda t: full(r"9\d\d(5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])\d{4}")(t) and (t[3] in "56" or us_itin.is_valid(t)),
                ["9", "999999", "99"]),
    "us_atin": (I, full(r"9\d\d93\d{4}"), ["9", "99", "93", "9999"]),
    "us_ein": (S, us_ein.is_valid, "999999999"),
    "us_ptin": (S, us_ptin.is_valid, "P99999999"),
    "us_aba": (M, both(us_rtn, lambda t: t[:2] in RTN), "999999999"),
    "us_npi": (I, npi, [one_of("1", "2"), "999999999"]),
    "us_dea": (I, dea, [one_of(*"ABCDEFGHJKLMPRSTUX"), one_of("A", "9"), "9999999"]),
    "us_mbi": (I, mbi, "9AX9AX9AA99"),
    "bic": (S, bic.is_valid, ["AAAA", one_of("DE", "FR", "IL", "US", "GB", "XK"), one_of("XX", "XXXXX")]),
    "lei": (M, lambda t: full(r"[0-9A-Z]{18}\d\d")(t) and lei.is_valid(t), "XXXXXXXXXXXXXXXXXX99"),
    "vin": (I, vin, "9AAAAXXX9XXXX9999"),
    "vin_unchecked": (I, vin_shape, "AAAXXXXXXXXXX9999"),
    "imei": (M, both(imei, full(r"\d{15}")), "999999999999999"),
    "date_day_first": (I, date_day_first, one_of(day("dmY"), day("mdY"), ["9", one_of("9", "99"), one_of("19", "20"), "99"])),
    "date_year_first": (I, date_year_first, one_of(day("Ymd"), [day("Ymd"), "T99:99:99Z"])),
    "date_compact": (I, lambda t: full(r"\d{8}")(t) and (date_day_first(t) or date_year_first(t)), one_of(day("Ymd"), day("dmY"))),
    "date_short_year": (I, date_short_year, one_of(day("dmy"), day("mdy"), day("ymd"))),
    "date_month_name": (I, date_month_name, named_day),
}

VAT_DRAWS = {
    "at": "U99999999", "be": lambda: be_enterprise(), "bg": one_of("999999999", "9999999999"), "cy": "99999999A",
    "cz": one_of("99999999", "699999999", [day("ymd", 1954, 2020), "9999"]), "de": "999999999", "dk": "99999999",
    "ee": "999999999", "el": "999999999", "es": one_of("99999999A", ["X", "9999999A"], [one_of(*"ABPQ"), "99999999"], [one_of(*"KLM"), "9999999A"]),
    "fi": "99999999", "fr": lambda: tva(), "hr": "99999999999", "hu": "99999999",
    "ie": one_of("9999999A", "9999999AA", "9A99999A"), "it": ["9999999", one_of("0", "1"), "999"],
    "lt": one_of("999999919", "999999999919"), "lu": "99999999", "lv": ["4", "9999999999"], "mt": "99999999",
    "nl": "999999999B99", "pl": "9999999999", "pt": "999999999", "ro": one_of("999999", "99999999", "9999999999"),
    "se": "999999999901", "si": "99999999", "sk": "9999999999",
}


def vat_judge(state):
    prefix = state.upper()
    shape = {"be": r"BE[01]\d{9}", "ie": r"IE\d[0-9A-Z]\d{5}[A-W][A-IW]?", "se": r"SE\d{10}01", "cz": r"CZ\d{8,10}"}.get(state)

    def judge(t):
        if not full(r"[A-Z]{2}[A-Z0-9]+")(t) or (shape and not full(shape)(t)):
            return False
        if state == "se" and not (int(t[4]) >= 2 or real_short(int(t[2:4]), int(t[4:6]), int(t[6:8]))):
            return False
        if state == "bg" and full(r"BG(3[6-9]|[4-9]\d)(4[1-9]|5[0-2])\d{6}")(t):
            # A civil number of somebody not yet born is none; the two other rules may still hold.
            check = (11 - dot(t[2:11], 4, 3, 2, 7, 6, 5, 4, 3, 2) % 11) % 11
            return bg_pnf.is_valid(t[2:]) or check == int(t[11])
        if state == "lv" and t[2] in "0123":
            return lv_person(t[2:])
        if state == "sk" and not sk_vat(t[2:]):
            return False
        return t.startswith(prefix) and eu_vat.is_valid(t)
    return judge


for state, mask in VAT_DRAWS.items():
    CHECKS[f"vat_{state}"] = (M, vat_judge(state), [state.upper(), mask])


# -- constructions: likely values where one in thousands would pass --------------------------------------------

def spi():
    head = draw([one_of(*"0123"), "999999999"])
    return head + f"{int(head) % 511:03}"


def siret():
    while not fr_siren.is_valid(head := draw("999999999")):
        pass
    return head + draw("99999")


def be_number(months):
    # Unknown birthdays have month 00, and days beyond the month's are given too.
    odd = f"{R.randrange(100):02}{R.randrange(13) + R.choice(months):02}{R.randrange(100):02}"
    head = draw([one_of(day("ymd", 1905, 2024, month=months), lambda: odd), "999"])
    return head + f"{97 - int(R.choice(['', '2']) + head) % 97:02}"


def be_enterprise():
    head = draw([one_of("0", "1"), "9999999"])
    return head + f"{97 - int(head) % 97:02}"


def nuss():
    head = draw(["9", "999999999"])
    line = head[:2] + (head[3:] if head[2] == "0" else head[2:])
    return head + f"{int(line) % 97:02}"


def codice():
    text = draw(["AAAAAA", day("y"), one_of(*"ABCDEHLMPRST"), f"{R.randrange(1, 29) + R.choice([0, 40]):02}", one_of(*"ABCDEFGHIJKLMZ"), "999"])
    if R.random() < 0.3:
        place = R.choice([14, 13, 12])
        text = text[:place] + "".join("LMNPQRSTUV"[int(c)] for c in text[place:])
    return text + it_cf.calc_check_digit(text)


def szemelyi():
    head = draw([one_of(*"12345678"), day("ymd", 1930, 2024), "999"])
    return head + draw("9")


def emso():
    date = datetime.date(1900, 1, 1) + datetime.timedelta(days=R.randrange(45000))
    return f"{date.day:02}{date.month:02}{date.year % 1000:03}" + draw("999999")


def fnr():
    head = draw([day("dmy", day=[0, 40]), "999"])
    for tail in range(100):
        if no_fnr.is_valid(f"{head}{tail:02}"):
            return f"{head}{tail:02}"
    return head + "00"


def tva():
    while not fr_siren.is_valid(siren := draw("999999999")):
        pass
    if R.random() < 0.7:
        return f"{int(siren + '12') % 97:02}{siren}"
    return draw(one_of("A9", "9A", "AA")) + siren


def gb_97(t):
    return dot(t.removeprefix("GB")[:9], 8, 7, 6, 5, 4, 3, 2, 10, 1) % 97 in (0, 42)


# -- writing ---------------------------------------------------------------------------------------------------

def changed(value):
    """One character replaced by another of its kind."""
    at = R.randrange(len(value))
    kind = DIGITS if value[at].isdigit() else LETTERS if value[at].isalpha() else "+-"
    return value[:at] + R.choice(kind.replace(value[at], "")) + value[at + 1:]


def fill(make, accept, count):
    found = set()
    for _ in range(2_000_000):
        value = make()
        if value not in found and accept(value):
            found.add(value)
        if len(found) == count:
            return sorted(found)
    raise SystemExit(f"only {len(found)} of {count}")


def vectors(name):
    kind, judge, mask = CHECKS[name]
    valid = fill(lambda: draw(mask), judge, COUNT)
    near = fill(lambda: changed(R.choice(valid)), lambda t: not judge(t), COUNT // 2)
    blank = lambda: re.sub("[A-Z]", lambda _: R.choice(LETTERS), re.sub(r"\d", lambda _: R.choice(DIGITS), R.choice(valid)))  # noqa: E731
    far = fill(blank, lambda t: not judge(t) and t not in near, COUNT // 2)
    return {"oracle": kind, "valid": valid, "invalid": near + far}


def main():
    checks = {}
    for name in sorted(CHECKS):
        try:
            checks[name] = vectors(name)
        except SystemExit as error:
            raise SystemExit(f"{name}: {error}") from None
    note = "Synthetic: every value is random, made by ../oracle/national_vectors.py with a fixed seed. No value belongs to anybody but by chance."
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "national_vectors.json")
    with open(path, "w", encoding="ascii") as file:
        rows = [f' "{name}": {{"oracle": {json.dumps(row["oracle"])},\n  "valid": {json.dumps(row["valid"], separators=(",", ":"))},\n'
                f'  "invalid": {json.dumps(row["invalid"], separators=(",", ":"))}}}' for name, row in checks.items()]
        file.write('{"note": ' + json.dumps(note) + ',\n"checks": {\n' + ",\n".join(rows) + "\n}}\n")


if __name__ == "__main__":
    main()
