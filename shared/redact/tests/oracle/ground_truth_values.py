"""Values for ground_truth.py: drawn at random, accepted by a judge that is not ours, written in their usual forms."""

import base58
import bech32
import phonenumbers
import re
import stdnum.at.tin
import stdnum.iban
import stdnum.luhn
from Crypto.Hash import keccak
from faker import Faker
from phonenumbers import PhoneNumberFormat, PhoneNumberType

import national_vectors as nv
from national_vectors import draw, day, one_of

Faker.seed(20360104)

# detector: (judge, how to draw, writings). A judge is a module of python-stdnum; `None` stands for national_vectors.py's:
# a second implementation, or stdnum and a rule that stdnum lacks (three equal digits in a row in a German tax number,
# the ranges of ABA numbers, the third digit of a Swedish company's number, letters of Italian municipalities). In a writing every `#` takes one character.
IDS = {
    "il_id": (nv.il_idnr, "999999999", ["#########", "########-#"]),
    "il_company": (nv.il_hp, "599999999", ["#########", "##-#######"]),
    "at_svnr": (nv.at_vnr, ["9999", day("dmy")], ["##########", "#### ######"]),
    "at_tin": (stdnum.at.tin, "999999999", ["##-###/####", "#########"]),
    "be_nn": (nv.be_nn, lambda: nv.be_number([0]), ["##.##.##-###.##", "###########"]),
    "be_bis": (nv.be_bis, lambda: nv.be_number([20, 40]), ["##.##.##-###.##", "###########"]),
    "be_enterprise": (nv.be_vat, nv.be_enterprise, ["####.###.###", "##########"]),
    "be_eid": (nv.be_eid, "999999999999", ["###-#######-##"]),
    "ie_pps": (nv.ie_pps, ["9999999A", one_of("", "A", "B")], ["*"]),
    "lu_matricule": (None, [day("Ymd"), "99999"], ["*"]),
    "nl_bsn": (nv.nl_bsn, "999999999", ["#########", "#### ## ###"]),
    "nl_education": (nv.nl_onderwijsnummer, "109999999", ["*"]),
    "de_idnr": (None, "99999999999", ["## ### ### ###", "###########"]),
    "de_rvnr": (None, ["99", day("dmy"), "A999"], ["## ###### # ###", "*"]),
    "de_kvnr": (None, "A999999999", ["*"]),
    "de_id_card": (None, [one_of(*"LMNPRTVWXY"), "XXXXXXXX9"], ["*"]),
    "de_passport": (None, [one_of(*"CFGHJK"), "XXXXXXXX9"], ["*"]),
    "de_lanr": (None, "999999999", ["*"]),
    "fr_nir": (nv.fr_nir, [one_of("1", "2"), day("ym"), "99999999", "99"], ["# ## ## ## ### ### ##", "*"]),
    "fr_spi": (nv.fr_nif, nv.spi, ["## ## ### ### ###", "*"]),
    "fr_siren": (nv.fr_siren, "999999999", ["### ### ###", "*"]),
    "fr_siret": (nv.fr_siret, nv.siret, ["### ### ### #####", "*"]),
    "es_dni": (nv.es_dni, "99999999A", ["*", "########-#"]),
    "es_nie": (nv.es_nie, [one_of(*"XYZ"), "9999999A"], ["*", "#-#######-#"]),
    "es_cif": (nv.es_cif, [one_of(*"ABCDEFGHJ"), "99999999"], ["*", "#-########"]),
    "es_nuss": (None, nv.nuss, ["## ######## ##", "*"]),
    "es_ccc": (nv.es_ccc, "99999999999999999999", ["#### #### ## ##########", "*"]),
    "it_cf": (None, nv.codice, ["*"]),
    "it_iva": (nv.it_iva, ["9999999", one_of("0", "0", "1"), "999"], ["*"]),
    "pl_pesel": (nv.pl_pesel, [day("ymd", 1930, 1999), "99999"], ["*"]),
    "pl_nip": (nv.pl_nip, "9999999999", ["###-###-##-##", "*"]),
    "pl_regon": (nv.pl_regon, "999999999", ["*"]),
    "pl_regon_long": (nv.pl_regon, "99999999999999", ["*"]),
    "pl_id_card": (None, "AAA999999", ["*", "### ######"]),
    "pl_passport": (None, "AA9999999", ["*"]),
    "gb_nhs": (nv.gb_nhs, "9999999999", ["### ### ####", "*"]),
    "gb_nino": (None, ["AA999999", one_of(*"ABCD")], ["## ## ## ## #", "*"]),
    "gb_utr": (nv.gb_utr, "9999999999", ["*", "##### #####"]),
    "gb_vat": (nv.gb_vat, "GB999999999", ["*", "## ### #### ##"]),
    "us_ssn": (nv.us_ssn, "999999999", ["###-##-####", "*"]),
    "us_itin": (nv.us_itin, "999799999", ["###-##-####"]),
    "us_aba": (None, [one_of("0", "1", "2", "3"), "99999999"], ["*"]),
    "us_npi": (None, [one_of("1", "2"), "999999999"], ["*"]),
    "us_dea": (None, [one_of(*"ABFGM"), "A9999999"], ["*"]),
    "us_mbi": (None, "9AX9AX9AA99", ["####-###-####", "*"]),
    "mt_id": (None, ["9999999", one_of(*"MGAPLHBZ")], ["*"]),
    "bg_egn": (nv.bg_egn, [day("ymd", 1930, 1999), "9999"], ["*"]),
    "bg_lnch": (nv.bg_pnf, "9999999999", ["*"]),
    "bg_eik": (nv.bg_vat, "999999999", ["*"]),
    "hr_oib": (nv.hr_oib, "99999999999", ["*"]),
    "cz_rc": (nv.cz_rc, [day("ymd", 1960, 2003, month=[0, 50]), "9999"], ["######/####", "*"]),
    "cz_ico": (nv.cz_dic, "99999999", ["*"]),
    "cz_account": (None, ["9999999999", one_of("0100", "0300", "0800", "2010", "5500")], ["##########/####"]),
    "sk_rc": (nv.cz_rc, [day("ymd", 1960, 2003, month=[0, 50]), "9999"], ["######/####", "*"]),
    "sk_dic": (nv.sk_dph, ["2", "9", one_of(*"2347"), "9999999"], ["*"]),
    "sk_ico": (nv.cz_dic, "99999999", ["*", "## ### ###"]),
    "hu_adoszam": (None, ["99999999", one_of(*"12345"), one_of("41", "42", "43", "02", "13")], ["########-#-##"]),
    "hu_adojel": (None, "8999999999", ["*"]),
    "hu_taj": (None, "999999999", ["### ### ###", "*"]),
    "hu_szemelyi": (None, nv.szemelyi, ["#-######-####", "*"]),
    "ro_cnp": (nv.ro_cnp, [one_of(*"12"), day("ymd", 1930, 1999), one_of("1", "2", "3"), "99999"], ["*"]),
    "ro_cui": (nv.ro_cf, one_of("9999999", "99999999"), ["*"]),
    "si_emso": (nv.si_emso, nv.emso, ["*"]),
    "si_ddv": (nv.si_ddv, "99999999", ["*"]),
    "dk_cpr": (nv.dk_cpr, [day("dmy", 1930, 1999), "9999"], ["######-####", "*"]),
    "dk_cvr": (nv.dk_cvr, "99999999", ["*", "## ## ## ##"]),
    "ee_ik": (nv.ee_ik, [one_of(*"34"), day("ymd", 1930, 1999), "9999"], ["*"]),
    "ee_company": (nv.ee_registrikood, ["1", "9999999"], ["*"]),
    "fi_hetu": (nv.fi_hetu, [day("dmy", 1930, 1999), "-999X"], ["*"]),
    "fi_business": (nv.fi_alv, "99999999", ["#######-#"]),
    "lt_asmens": (nv.lt_asmens, [one_of(*"34"), day("ymd", 1930, 1999), "9999"], ["*"]),
    "lv_pk": (nv.lv_pvn, [day("dmy", 1930, 1999), "19999"], ["######-#####"]),
    "lv_company": (nv.lv_pvn, ["4", "9999999999"], ["*"]),
    "se_personnummer": (nv.se_personnummer, [one_of(day("ymd", 1930, 1999), day("Ymd", 1930, 1999)), "-9999"], ["*"]),
    "se_samordning": (None, [day("ymd", 1930, 1999, day=[60]), "-9999"], ["*"]),
    "se_orgnr": (None, "5599999999", ["######-####", "*"]),
    "cy_tic": (nv.cy_vat, "99999999A", ["*"]),
    "gr_amka": (nv.gr_amka, [day("dmy", 1930, 1999), "99999"], ["*"]),
    "gr_afm": (nv.gr_vat, "999999999", ["*"]),
    "pt_nif": (nv.pt_nif, [one_of("1", "2", "5"), "99999999"], ["*", "### ### ###"]),
    "pt_niss": (None, [one_of("1", "2"), "9999999999"], ["*"]),
    "pt_cc": (nv.pt_cc, "999999999AX9", ["######## # ###", "*"]),
    "ch_ahv": (nv.ch_ssn, "7569999999999", ["###.####.####.##", "*"]),
    "ch_uid": (nv.ch_uid, "CHE999999999", ["###-###.###.###"]),
    "no_fnr": (nv.no_fnr, nv.fnr, ["*", "###### #####"]),
    "no_orgnr": (nv.no_orgnr, "999999999", ["*", "### ### ###"]),
}
# Faker's numbers that stdnum confirms: half of the values of these come from there.
FAKER = {"il_id": "he_IL", "fr_nir": "fr_FR", "it_cf": "it_IT", "nl_bsn": "nl_NL", "pl_pesel": "pl_PL", "be_nn": "nl_BE",
         "se_personnummer": "sv_SE", "fi_hetu": "fi_FI", "ro_cnp": "ro_RO", "ee_ik": "et_EE", "hr_oib": "hr_HR",
         "gr_amka": "el_GR", "at_svnr": "de_AT", "no_fnr": "no_NO", "ch_ahv": "de_CH", "us_ssn": "en_US"}
# National parts of IBANs (SWIFT registry), as masks.
BBANS = {
    "AT": "9" * 16, "BE": "9" * 12, "BG": "AAAA999999XXXXXXXX", "HR": "9" * 17, "CY": "99999999" + "X" * 16, "CZ": "9" * 20,
    "DK": "9" * 14, "EE": "9" * 16, "FI": "9" * 14, "FR": "9" * 10 + "X" * 11 + "99", "DE": "9" * 18,
    "GR": "9" * 7 + "X" * 16, "HU": "9" * 24, "IE": "AAAA" + "9" * 14, "IT": "A9999999999" + "X" * 12, "LV": "AAAA" + "X" * 13,
    "LT": "9" * 16, "LU": "999" + "X" * 13, "MT": "AAAA99999" + "X" * 18, "NL": "AAAA9999999999", "PL": "9" * 24,
    "PT": "9" * 21, "RO": "AAAA" + "X" * 16, "SK": "9" * 20, "SI": "9" * 15, "ES": "9" * 20, "SE": "9" * 20,
    "IL": "9" * 19, "GB": "AAAA" + "9" * 14,
}
PHONE_COUNTRIES = {"he": ["IL"], "en": ["US", "GB", "IE", "MT"], "de": ["DE", "AT"], "fr": ["FR", "BE", "LU"], "es": ["ES"],
                   "it": ["IT"], "nl": ["NL", "BE"], "pl": ["PL"],
                   "eu": ["BG", "HR", "CZ", "SK", "HU", "RO", "SI", "DK", "EE", "FI", "LT", "LV", "SE", "CY", "GR", "PT"]}
PHONE_WORDS = {"he": ["טלפון", "נייד"], "en": ["phone", "mobile"], "de": ["Telefon", "Handy"], "fr": ["téléphone", "portable"],
               "es": ["teléfono", "móvil"], "it": ["telefono", "cellulare"], "nl": ["telefoon", "mobiel"],
               "pl": ["telefon", "komórka"], "eu": ["phone", "telephone"]}
IBAN_COUNTRIES = {"he": ["IL"], "en": ["GB", "IE", "MT"], "de": ["DE", "AT"], "fr": ["FR", "LU"], "es": ["ES"], "it": ["IT"],
                  "nl": ["NL", "BE"], "pl": ["PL"],
                  "eu": ["BG", "HR", "CZ", "SK", "HU", "RO", "SI", "DK", "EE", "FI", "LT", "LV", "SE", "CY", "GR", "PT"]}


def written(value, form):
    if form == "*":
        return value
    assert form.count("#") == len(value), (value, form)
    characters = iter(value)
    return "".join(next(characters) if c == "#" else c for c in form)


def accepted(judge, name):
    if judge is None:
        return nv.CHECKS[name][1]
    return judge.is_valid if hasattr(judge, "is_valid") else judge


def one_id(name, random, is_faker):
    judge, mask, forms = IDS[name]
    valid = accepted(judge, name)
    while True:
        if is_faker:
            value = Faker(FAKER[name]).ssn()
            if valid(value):
                return value
            continue
        value = draw(mask)
        if valid(value):
            return written(value, random.choice(forms))


def card(random, _):
    kinds = ["visa16", "mastercard", "amex", "discover", "diners", "jcb16", "maestro"]
    while True:
        value = Faker().credit_card_number(random.choice(kinds))
        if stdnum.luhn.is_valid(value) and len(value) >= 14:
            break
    sizes = [4, 6, 5] if len(value) == 15 else [4, 6, 4] if len(value) == 14 else [4] * 5
    separator = random.choice(["", " ", "-"])
    parts, rest = [], value
    for size in sizes:
        parts.append(rest[:size])
        rest = rest[size:]
    return separator.join(part for part in parts if part)


def iban(country):
    def make(random, _):
        while True:
            national = draw(BBANS[country])
            value = country + stdnum.iban.calc_check_digits(country + "00" + national) + national
            if stdnum.iban.is_valid(value):
                break
        grouped = " ".join(value[at:at + 4] for at in range(0, len(value), 4))
        return random.choice([value, grouped])
    return make


def phone(countries):
    """Of libphonenumber's example, the last digits at random: valid by its metadata."""
    def make(random, n):
        country = countries[n % len(countries)]
        kind = random.choice([PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE])
        example = phonenumbers.example_number_for_type(country, kind)
        while True:
            digits = str(example.national_number)
            national = int(digits[:-5] + "".join(random.choice("0123456789") for _ in range(5)))
            number = phonenumbers.PhoneNumber(example.country_code, national, italian_leading_zero=example.italian_leading_zero)
            if phonenumbers.is_valid_number_for_region(number, country):
                break
        form = random.choice([PhoneNumberFormat.NATIONAL, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.E164])
        return phonenumbers.format_number(number, form)
    return make


def email(random, _):
    fake = Faker()
    name = f"{fake.first_name()}{random.choice('._-')}{fake.last_name()}".lower()
    return f"{name}@{random.choice(['example.com', 'example.org', 'mail.example.net', 'example.co.il', 'büro.example.de'])}"


def ipv4(random, _):
    return Faker().ipv4_public()


def ipv6(random, _):
    return "2001:db8:" + ":".join(f"{random.randrange(65536):x}" for _ in range(6))


def bitcoin(random, _):
    return base58.b58encode_check(bytes([random.choice([0, 5])]) + random.randbytes(20)).decode()


def segwit(random, n):
    version = n % 2
    return bech32.encode("bc", 0, list(random.randbytes([20, 32][version])))


def ethereum(random, _):
    body = random.randbytes(20).hex()
    digest = keccak.new(digest_bits=256, data=body.encode()).hexdigest()
    return "0x" + "".join(c.upper() if int(d, 16) >= 8 else c for c, d in zip(body, digest))


MAKERS = {"card": card, "email": email, "ipv4": ipv4, "ipv6": ipv6, "bitcoin_base58": bitcoin, "bitcoin_bech32": segwit,
          "ethereum_address": ethereum}
NAMES = {"card": {"he": ["כרטיס אשראי"], "en": ["credit card"], "de": ["Kreditkarte"], "fr": ["carte bancaire"],
                  "es": ["tarjeta de crédito"], "it": ["carta di credito"], "nl": ["creditcard"], "pl": ["karta kredytowa"]},
         "email": {"he": ["אימייל"], "en": ["e-mail"], "de": ["E-Mail"], "fr": ["courriel"], "es": ["correo"], "it": ["e-mail"],
                   "nl": ["e-mail"], "pl": ["e-mail"]}}
# Per file: (detector, language of the sentences, words, (with a word beside it, without)).
GENERIC = {}
for _name, _language in [("he", "he"), ("en", "en"), ("de", "de"), ("fr", "fr"), ("es", "es"), ("it", "it"), ("nl", "nl"),
                         ("pl", "pl"), ("eu", "en")]:
    _phone = PHONE_COUNTRIES[_name]
    MAKERS[f"phone:{_name}"] = phone(_phone)
    _rows = [(f"phone:{_name}", _language, {_language: PHONE_WORDS[_name]}, (max(8, len(_phone)), max(8, len(_phone))))]
    for _country in IBAN_COUNTRIES[_name]:
        MAKERS[f"iban:{_country}"] = iban(_country)
        _rows.append((f"iban:{_country}", _language, {_language: ["IBAN"]}, (1, 2) if _name == "eu" else (3, 5)))
    if _name != "eu":
        for _kind, _words in NAMES.items():
            _rows.append((_kind, _language, {_language: _words[_language]}, (8, 12)))
    if _name == "en":
        for _kind, _words in [("ipv4", ["IP address"]), ("ipv6", ["IP address"]), ("bitcoin_base58", ["bitcoin address"]),
                              ("bitcoin_bech32", ["bitcoin address"]), ("ethereum_address", ["wallet address"])]:
            _rows.append((_kind, "en", {"en": _words}, (6, 10)))
    GENERIC[_name] = _rows


def values(name, random, count):
    found = []
    while len(found) < count:
        if name in MAKERS:
            value = MAKERS[name](random, len(found))
        else:
            value = one_id(name, random, name in FAKER and len(found) % 2 == 1)
        if value not in found:
            found.append(value)
    return found
