"""Sentences and the names of identifiers for ground_truth.py. `{w}` is the name, `{v}` the value."""

LANGUAGES = {
    "en": {
        "with": [
            "My {w} is {v}, can you check whether the form is complete?",
            "{w}: {v}",
            "Customer called about the refund; {w} {v} was confirmed on the recorded line.",
            "Please update the record with {w} {v} before Friday.",
            "\"{w}\": \"{v}\"",
        ],
        "without": [
            "I found {v} on the back of the letter, does that mean anything to you?",
            "She wrote down {v} and left the room.",
            "Second line of the form says {v}, third one is empty.",
        ],
    },
    "he": {
        "with": [
            "שלום, {w} שלי {v}, אפשר לבדוק את הבקשה?",
            "{w}: {v}",
            "הלקוחה מסרה {w} {v} בשיחה מהבוקר.",
            "נא לעדכן במערכת {w} מספר {v} עד סוף השבוע.",
        ],
        "without": [
            "מצאתי את {v} על הפתק, מישהו יודע מה זה?",
            "היא רשמה {v} ויצאה מהחדר.",
            "בשורה השנייה של הטופס כתוב {v} וזהו.",
        ],
    },
    "de": {
        "with": [
            "Meine {w} lautet {v}, bitte prüfen Sie den Antrag.",
            "{w}: {v}",
            "Im Schreiben vom Montag steht die {w} {v}, stimmt das so?",
            "Bitte tragen Sie unter {w} den Wert {v} ein.",
        ],
        "without": [
            "Auf der Rückseite des Briefes stand {v}, mehr nicht.",
            "Sie notierte {v} und ging hinaus.",
            "In der zweiten Zeile steht {v}, die dritte ist leer.",
        ],
    },
    "fr": {
        "with": [
            "Bonjour, mon {w} est {v}, pouvez-vous vérifier le dossier ?",
            "{w} : {v}",
            "Le client a donné le {w} {v} au téléphoniste ce matin.",
            "Merci de saisir {w} {v} avant vendredi.",
        ],
        "without": [
            "Au dos de la lettre il y avait {v}, rien d'autre.",
            "Elle nota {v} et quitta la pièce.",
            "La deuxième ligne indique {v}, la troisième est vide.",
        ],
    },
    "es": {
        "with": [
            "Hola, mi {w} es {v}, ¿puede revisar la solicitud?",
            "{w}: {v}",
            "La clienta indicó el {w} {v} esta mañana.",
            "Por favor, anote {w} {v} en la ficha.",
        ],
        "without": [
            "Al dorso de la carta ponía {v}, nada más.",
            "Ella apuntó {v} y salió de la sala.",
            "En la segunda línea dice {v}, la tercera está vacía.",
        ],
    },
    "it": {
        "with": [
            "Buongiorno, {w} {v}, potete controllare la pratica?",
            "{w}: {v}",
            "La cliente ha comunicato {w} {v} questa mattina.",
            "Si prega di inserire {w} {v} nel modulo.",
        ],
        "without": [
            "Sul retro della lettera c'era {v}, nient'altro.",
            "Lei annotò {v} e uscì dalla stanza.",
            "Nella seconda riga c'è {v}, la terza è vuota.",
        ],
    },
    "nl": {
        "with": [
            "Goedemorgen, mijn {w} is {v}, kunt u de aanvraag nakijken?",
            "{w}: {v}",
            "De klant gaf {w} {v} door tijdens het gesprek.",
            "Vul bij {w} het nummer {v} in.",
        ],
        "without": [
            "Op de achterkant van de brief stond {v}, verder niets.",
            "Ze schreef {v} op en liep de kamer uit.",
            "Op de tweede regel staat {v}, de derde is leeg.",
        ],
    },
    "pl": {
        "with": [
            "Dzień dobry, mój {w} to {v}, proszę sprawdzić wniosek.",
            "{w}: {v}",
            "Klientka podała {w} {v} dziś rano.",
            "Proszę wpisać {w} {v} do formularza.",
        ],
        "without": [
            "Na odwrocie listu było {v}, nic więcej.",
            "Zapisała {v} i wyszła z pokoju.",
            "W drugim wierszu jest {v}, trzeci jest pusty.",
        ],
    },
    "bg": {
        "with": ["Моят {w} е {v}, моля проверете заявлението.", "{w}: {v}", "Клиентът съобщи {w} {v} тази сутрин."],
        "without": ["На гърба на писмото пишеше {v}.", "Тя записа {v} и излезе."],
    },
    "hr": {
        "with": ["Moj {w} je {v}, molim provjerite zahtjev.", "{w}: {v}", "Klijentica je javila {w} {v} jutros."],
        "without": ["Na poleđini pisma pisalo je {v}.", "Zapisala je {v} i izašla."],
    },
    "cs": {
        "with": ["Moje {w} je {v}, prosím zkontrolujte žádost.", "{w}: {v}", "Klientka uvedla {w} {v} dnes ráno."],
        "without": ["Na zadní straně dopisu stálo {v}.", "Zapsala si {v} a odešla."],
    },
    "sk": {
        "with": ["Moje {w} je {v}, prosím skontrolujte žiadosť.", "{w}: {v}", "Klientka uviedla {w} {v} dnes ráno."],
        "without": ["Na zadnej strane listu stálo {v}.", "Zapísala si {v} a odišla."],
    },
    "hu": {
        "with": ["A {w} {v}, kérem ellenőrizze a kérelmet.", "{w}: {v}", "Az ügyfél ma reggel megadta: {w} {v}."],
        "without": ["A levél hátoldalán {v} állt.", "Felírta: {v}, aztán kiment."],
    },
    "ro": {
        "with": ["Bună ziua, {w} {v}, vă rog verificați cererea.", "{w}: {v}", "Clienta a comunicat {w} {v} azi dimineață."],
        "without": ["Pe spatele scrisorii scria {v}.", "Ea a notat {v} și a ieșit."],
    },
    "sl": {
        "with": ["Moja {w} je {v}, prosim preverite vlogo.", "{w}: {v}", "Stranka je danes zjutraj sporočila {w} {v}."],
        "without": ["Na hrbtni strani pisma je pisalo {v}.", "Zapisala je {v} in odšla."],
    },
    "da": {
        "with": ["Mit {w} er {v}, vil du tjekke ansøgningen?", "{w}: {v}", "Kunden oplyste {w} {v} i morges."],
        "without": ["Bag på brevet stod der {v}.", "Hun skrev {v} ned og gik."],
    },
    "et": {
        "with": ["Minu {w} on {v}, palun kontrollige avaldust.", "{w}: {v}", "Klient ütles täna hommikul: {w} {v}."],
        "without": ["Kirja tagaküljel oli {v}.", "Ta kirjutas üles {v} ja lahkus."],
    },
    "fi": {
        "with": ["Minun {w} on {v}, voisitteko tarkistaa hakemuksen?", "{w}: {v}", "Asiakas ilmoitti tänä aamuna: {w} {v}."],
        "without": ["Kirjeen takana luki {v}.", "Hän kirjoitti {v} ylös ja lähti."],
    },
    "lt": {
        "with": ["Mano {w} yra {v}, prašau patikrinti prašymą.", "{w}: {v}", "Klientė šįryt nurodė: {w} {v}."],
        "without": ["Kitoje laiško pusėje buvo {v}.", "Ji užsirašė {v} ir išėjo."],
    },
    "lv": {
        "with": ["Mans {w} ir {v}, lūdzu pārbaudiet iesniegumu.", "{w}: {v}", "Kliente šorīt nosauca: {w} {v}."],
        "without": ["Vēstules otrā pusē bija {v}.", "Viņa pierakstīja {v} un aizgāja."],
    },
    "sv": {
        "with": ["Mitt {w} är {v}, kan du kontrollera ansökan?", "{w}: {v}", "Kunden uppgav {w} {v} i morse."],
        "without": ["På baksidan av brevet stod det {v}.", "Hon skrev ner {v} och gick."],
    },
    "el": {
        "with": ["Ο {w} μου είναι {v}, παρακαλώ ελέγξτε την αίτηση.", "{w}: {v}", "Η πελάτισσα έδωσε {w} {v} σήμερα το πρωί."],
        "without": ["Στο πίσω μέρος της επιστολής έγραφε {v}.", "Έγραψε {v} και έφυγε."],
    },
    "pt": {
        "with": ["Bom dia, o meu {w} é {v}, pode verificar o pedido?", "{w}: {v}", "A cliente indicou {w} {v} esta manhã."],
        "without": ["No verso da carta estava {v}.", "Ela anotou {v} e saiu."],
    },
    "nb": {
        "with": ["Mitt {w} er {v}, kan du sjekke søknaden?", "{w}: {v}", "Kunden oppga {w} {v} i dag tidlig."],
        "without": ["Bak på brevet sto det {v}.", "Hun skrev ned {v} og gikk."],
    },
}

# Per file: detector: (language, names by language, how many with a name beside them, how many without).
WORDS = {
    "he": {
        "il_id": ("he", {"he": ["ת.ז.", "תעודת זהות", "מספר זהות", "ת״ז"], "en": ["Israeli ID", "teudat zehut"]}, 60, 30),
        "il_company": ("he", {"he": ["ח.פ.", "ח״פ", "מספר חברה"], "en": ["Israeli company number"]}, 60, 30),
    },
    "en": {
        "us_ssn": ("en", {"en": ["SSN", "Social Security number", "social security"]}, 20, 10),
        "us_itin": ("en", {"en": ["ITIN", "taxpayer identification number"]}, 15, 8),
        "us_aba": ("en", {"en": ["routing number", "ABA routing number"]}, 15, 8),
        "us_npi": ("en", {"en": ["NPI", "NPI number", "National Provider Identifier"]}, 15, 8),
        "us_dea": ("en", {"en": ["DEA number", "DEA registration"]}, 15, 8),
        "us_mbi": ("en", {"en": ["MBI", "Medicare number", "Medicare ID"]}, 15, 8),
        "gb_nhs": ("en", {"en": ["NHS number", "NHS no"]}, 15, 8),
        "gb_nino": ("en", {"en": ["National Insurance number", "NI number", "NINO"]}, 15, 8),
        "gb_utr": ("en", {"en": ["UTR", "Unique Taxpayer Reference"]}, 15, 8),
        "gb_vat": ("en", {"en": ["VAT number", "VAT registration number"]}, 12, 6),
        "ie_pps": ("en", {"en": ["PPS number", "PPSN", "personal public service number"]}, 20, 10),
        "mt_id": ("en", {"en": ["Maltese ID", "identity card number", "ID card"]}, 12, 6),
    },
    "de": {
        "de_idnr": ("de", {"de": ["Steuer-ID", "Steueridentifikationsnummer", "Identifikationsnummer"], "en": ["German tax ID"]}, 25, 10),
        "de_rvnr": ("de", {"de": ["Rentenversicherungsnummer", "Sozialversicherungsnummer"], "en": ["German social security number"]}, 20, 10),
        "de_kvnr": ("de", {"de": ["Krankenversichertennummer", "Versichertennummer"], "en": ["health insurance number"]}, 20, 10),
        "de_id_card": ("de", {"de": ["Personalausweisnummer", "Ausweisnummer"], "en": ["German ID card"]}, 15, 8),
        "de_passport": ("de", {"de": ["Reisepassnummer", "Passnummer"], "en": ["German passport"]}, 15, 8),
        "de_lanr": ("de", {"de": ["LANR", "Arztnummer"]}, 15, 8),
        "at_svnr": ("de", {"de": ["Sozialversicherungsnummer", "SV-Nummer", "Versicherungsnummer"], "en": ["Austrian social security number"]}, 25, 10),
        "at_tin": ("de", {"de": ["Abgabenkontonummer", "Steuernummer"], "en": ["Austrian tax number"]}, 20, 8),
        "ch_ahv": ("de", {"de": ["AHV-Nummer", "AHV-Nr."], "en": ["AHV number"]}, 15, 8),
        "ch_uid": ("de", {"de": ["UID", "MWST-Nummer"]}, 12, 6),
    },
    "fr": {
        "fr_nir": ("fr", {"fr": ["numéro de sécurité sociale", "NIR"], "en": ["French social security number"]}, 25, 10),
        "fr_spi": ("fr", {"fr": ["numéro fiscal", "numéro fiscal de référence"], "en": ["French tax number"]}, 20, 10),
        "fr_siren": ("fr", {"fr": ["SIREN", "numéro SIREN"], "en": ["SIREN"]}, 25, 10),
        "fr_siret": ("fr", {"fr": ["SIRET", "numéro SIRET"], "en": ["SIRET"]}, 20, 10),
        "be_nn": ("fr", {"fr": ["numéro national", "numéro de registre national"], "en": ["Belgian national number"]}, 20, 8),
        "be_enterprise": ("fr", {"fr": ["numéro d'entreprise", "numéro BCE"], "en": ["Belgian enterprise number"]}, 20, 8),
        "lu_matricule": ("fr", {"fr": ["matricule", "numéro de matricule"], "en": ["Luxembourg matricule"]}, 20, 8),
    },
    "es": {
        "es_dni": ("es", {"es": ["DNI", "NIF", "documento nacional de identidad"], "en": ["Spanish DNI"]}, 45, 15),
        "es_nie": ("es", {"es": ["NIE", "número de identidad de extranjero"], "en": ["Spanish NIE"]}, 45, 15),
        "es_cif": ("es", {"es": ["CIF", "NIF de la empresa"], "en": ["Spanish CIF"]}, 45, 15),
        "es_nuss": ("es", {"es": ["número de la Seguridad Social", "número de afiliación"], "en": ["Spanish social security number"]}, 40, 15),
        "es_ccc": ("es", {"es": ["cuenta bancaria", "número de cuenta"], "en": ["bank account"]}, 30, 10),
    },
    "it": {
        "it_cf": ("it", {"it": ["codice fiscale", "C.F."], "en": ["Italian fiscal code", "codice fiscale"]}, 90, 30),
        "it_iva": ("it", {"it": ["partita IVA", "P. IVA"], "en": ["Italian VAT number", "partita IVA"]}, 90, 30),
    },
    "nl": {
        "nl_bsn": ("nl", {"nl": ["BSN", "burgerservicenummer"], "en": ["Dutch BSN", "citizen service number"]}, 60, 20),
        "nl_education": ("nl", {"nl": ["onderwijsnummer"]}, 30, 10),
        "be_nn": ("nl", {"nl": ["rijksregisternummer", "INSZ"], "en": ["Belgian national number"]}, 40, 15),
        "be_bis": ("nl", {"nl": ["bisnummer", "rijksregisternummer"]}, 30, 10),
        "be_enterprise": ("nl", {"nl": ["ondernemingsnummer", "KBO-nummer"]}, 30, 10),
        "be_eid": ("nl", {"nl": ["identiteitskaart", "kaartnummer"]}, 20, 10),
    },
    "pl": {
        "pl_pesel": ("pl", {"pl": ["PESEL", "numer PESEL"], "en": ["Polish PESEL"]}, 50, 15),
        "pl_nip": ("pl", {"pl": ["NIP", "numer NIP"], "en": ["Polish NIP"]}, 45, 15),
        "pl_regon": ("pl", {"pl": ["REGON", "numer REGON"], "en": ["REGON"]}, 35, 10),
        "pl_regon_long": ("pl", {"pl": ["REGON"]}, 20, 10),
        "pl_id_card": ("pl", {"pl": ["dowód osobisty", "numer dowodu osobistego"], "en": ["Polish ID card"]}, 30, 10),
        "pl_passport": ("pl", {"pl": ["paszport", "numer paszportu"], "en": ["Polish passport"]}, 30, 10),
    },
    "eu": {
        "bg_egn": ("bg", {"bg": ["ЕГН"], "en": ["Bulgarian EGN"]}, 6, 3),
        "bg_lnch": ("bg", {"bg": ["ЛНЧ"]}, 4, 3),
        "bg_eik": ("bg", {"bg": ["ЕИК", "Булстат"]}, 5, 3),
        "hr_oib": ("hr", {"hr": ["OIB"], "en": ["Croatian OIB"]}, 6, 3),
        "cz_rc": ("cs", {"cs": ["rodné číslo"], "en": ["Czech birth number"]}, 6, 3),
        "cz_ico": ("cs", {"cs": ["IČO"]}, 5, 3),
        "cz_account": ("cs", {"cs": ["číslo účtu"]}, 5, 3),
        "sk_rc": ("sk", {"sk": ["rodné číslo"], "en": ["Slovak birth number"]}, 6, 3),
        "sk_dic": ("sk", {"sk": ["DIČ"]}, 5, 3),
        "sk_ico": ("sk", {"sk": ["IČO"]}, 5, 3),
        "hu_adoszam": ("hu", {"hu": ["adószám", "adószáma"]}, 5, 3),
        "hu_adojel": ("hu", {"hu": ["adóazonosító jel", "adóazonosító jele"]}, 5, 3),
        "hu_taj": ("hu", {"hu": ["TAJ szám", "TAJ-szám"], "en": ["Hungarian TAJ number"]}, 6, 3),
        "hu_szemelyi": ("hu", {"hu": ["személyi szám", "személyi azonosító"]}, 5, 3),
        "ro_cnp": ("ro", {"ro": ["CNP", "cod numeric personal"], "en": ["Romanian CNP"]}, 6, 3),
        "ro_cui": ("ro", {"ro": ["CUI", "cod fiscal"]}, 5, 3),
        "si_emso": ("sl", {"sl": ["EMŠO"], "en": ["Slovenian EMSO"]}, 6, 3),
        "si_ddv": ("sl", {"sl": ["davčna številka"]}, 5, 3),
        "dk_cpr": ("da", {"da": ["CPR-nummer", "personnummer"], "en": ["Danish CPR number"]}, 6, 3),
        "dk_cvr": ("da", {"da": ["CVR-nummer", "CVR"]}, 5, 3),
        "ee_ik": ("et", {"et": ["isikukood"], "en": ["Estonian personal code"]}, 6, 3),
        "ee_company": ("et", {"et": ["registrikood"]}, 5, 3),
        "fi_hetu": ("fi", {"fi": ["henkilötunnus", "hetu"], "en": ["Finnish personal identity code"]}, 6, 3),
        "fi_business": ("fi", {"fi": ["Y-tunnus"]}, 5, 3),
        "lt_asmens": ("lt", {"lt": ["asmens kodas"], "en": ["Lithuanian personal code"]}, 6, 3),
        "lv_pk": ("lv", {"lv": ["personas kods"], "en": ["Latvian personal code"]}, 6, 3),
        "lv_company": ("lv", {"lv": ["reģistrācijas numurs"]}, 5, 3),
        "se_personnummer": ("sv", {"sv": ["personnummer"], "en": ["Swedish personal number"]}, 6, 3),
        "se_samordning": ("sv", {"sv": ["samordningsnummer"]}, 5, 3),
        "se_orgnr": ("sv", {"sv": ["organisationsnummer"]}, 5, 3),
        "cy_tic": ("el", {"el": ["αριθμός φορολογικού μητρώου", "ΑΦΤ"], "en": ["Cyprus tax identification code"]}, 6, 3),
        "gr_amka": ("el", {"el": ["ΑΜΚΑ"], "en": ["Greek AMKA"]}, 6, 3),
        "gr_afm": ("el", {"el": ["ΑΦΜ"], "en": ["Greek AFM"]}, 6, 3),
        "pt_nif": ("pt", {"pt": ["NIF", "número de contribuinte"], "en": ["Portuguese NIF"]}, 6, 3),
        "pt_niss": ("pt", {"pt": ["NISS", "número de segurança social"]}, 5, 3),
        "pt_cc": ("pt", {"pt": ["cartão de cidadão"], "en": ["Portuguese citizen card"]}, 6, 3),
        "no_fnr": ("nb", {"nb": ["fødselsnummer"], "en": ["Norwegian fødselsnummer"]}, 6, 3),
        "no_orgnr": ("nb", {"nb": ["organisasjonsnummer", "org.nr."]}, 5, 3),
    },
}
