//! Tables of texts, in and out, per language. `«…»` marks a person, `‹…›` an address; what is not marked is not found.

use super::*;

/// The text without its marks, and the spans that they mark.
fn unmark(marked: &str) -> (String, Vec<(NameKind, String)>) {
    let (mut text, mut spans, mut open) = (String::new(), Vec::new(), 0);
    for c in marked.chars() {
        match c {
            '«' | '‹' => open = text.len(),
            '»' => spans.push((NameKind::Person, text.get(open..).unwrap_or_default().to_owned())),
            '›' => spans.push((NameKind::Address, text.get(open..).unwrap_or_default().to_owned())),
            c => text.push(c),
        }
    }
    (text, spans)
}

fn check(table: &[&str]) {
    let mut wrong = Vec::new();
    for marked in table {
        let (text, expected) = unmark(marked);
        let mut found = Vec::new();
        find(&text, &mut found);
        let found: Vec<_> =
            found.iter().map(|f| (f.kind, text.get(f.start..f.end).unwrap_or_default().to_owned())).collect();
        if found != expected {
            wrong.push(format!("{text:?}\n  found    {found:?}\n  expected {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} texts\n{}", wrong.len(), table.len(), wrong.join("\n"));
}

#[test]
fn english_persons() {
    check(&[
        "Please ask «John Smith» about it.",
        "My name is «Xavier Quillfeather» and I need help.",
        "I met «Mary-Jane O'Neil» yesterday.",
        "Dear Mr. «Patel», thank you for the call.",
        "Prof. Dr. «Heinrich Braun» will speak first.",
        "Regards,\n«Tom»",
        "signed by «J. R. Hartley» in 1983",
        "«Smith, John» was absent.",
        "«JOHN SMITH» signed the contract.",
        "It is «Sarah»'s turn.",
        "«Ludwig van Beethoven» wrote nine symphonies.",
        "«Ahmed bin Khalid» called.",
        "«Martin Luther King Jr.» had a dream.",
        "Hi «Will», are you free?",
        "Contact «Anna Kowalczyk» or «Lars Svensson» for access.",
        "{\"name\":\"«Dana Levi»\",\"role\":\"admin\"}",
        "“«Emily Clark»” said nothing.",
        "We hired «Alice Goldberg» in March; «Goldberg» starts in May.",
    ]);
}

#[test]
fn english_texts_without_persons() {
    check(&[
        "May I ask why? Will it rain in April? Mark the box and save.",
        "Paris, London and New York are large cities; so is Florence.",
        "On Monday, the Quarterly Report went to the Sales Department.",
        "I think that it works. Please let me know what you think.",
        "The Apache Kafka cluster runs on Amazon Web Services in Frankfurt.",
        "Siri and Gemini answered; Jenkins built it with Maven and Gradle.",
        "impl Iterator for Words { type Item = Word; fn next(&mut self) -> Option<Word> { None } }",
        "const userName = getUserName(Session.Current);",
        "Terms and Conditions\nPrivacy Policy\nGetting Started",
        "TERMS AND CONDITIONS OF SALE",
        "Microsoft Word, Google Docs and Adobe Reader open it.",
        "New Zealand and South Africa played in San Francisco.",
        "He spoke English, French and some German.",
        "Morgan & Partners and Smith and Sons Ltd are companies.",
        "The Johnson Institute and the Stanford University Hospital",
        "SELECT Name FROM Users WHERE Id = 5",
        "In Spring, the Rose Garden opens; Grace period ends Friday.",
        "Boston Consulting Group, Goldman Sachs Bank",
        "see RFC 9110, ISO 8601 and SOC 2",
    ]);
}

#[test]
fn lower_case_messages() {
    check(&[
        "hi, my name is «anna berg» and i need help with my bill",
        "can you ask mr. «patel» for the file?",
        "i talked to «sarah miller» yesterday",
        "the mark is on the bill, will it rain in may? i hope so",
        "cargo build --release && cat target/john.txt",
    ]);
}

#[test]
fn english_addresses() {
    check(&[
        "Ship it to ‹221B Baker Street, London NW1 6XE› please.",
        "‹1600 Pennsylvania Ave NW, Washington, DC 20500›",
        "I live at ‹42 Oak Lane, Apt. 7, Springfield, IL 62704›.",
        "‹350 Fifth Avenue\nSuite 3300\nNew York, NY 10118›",
        "Send it to ‹P.O. Box 1234, Austin, TX 78701›.",
        "‹PSC 3306, Box 2317\nAPO AE 09876›",
        "‹10 Downing Street› is famous.",
        "‹742 Evergreen Terrace›",
        "Meet me at ‹15 Martin Luther King Jr. Blvd.› at noon.",
    ]);
}

#[test]
fn texts_without_addresses() {
    check(&[
        "We ordered 25 chairs and 3 tables for 4 rooms on 2 floors.",
        "Chapter 7 describes Windows 11, Ubuntu 22 and Python 3.",
        "It took 5 minutes to drive 20 miles down the road.",
        "On 12 May 2023 at 10:30 the build 4711 failed with error 404.",
        "The answer is 42. Then came Monday.",
        "Version 2.0.1, released 2024-01-15, needs 512 MB, at 15 MB each.",
        "There are 2 key points, 3 golden rules and 10 open issues.",
        "let x = 5; for i in 0..10 { total += i * 3 }",
        "Order 12345 costs $99.99 or 89,90 EUR (19 % VAT).",
        "Apollo 11, Boeing 747 and Route 66",
    ]);
}

#[test]
fn german() {
    check(&[
        "Sehr geehrte Frau «Schneider», anbei der Vertrag.",
        "Herr «Lang» wohnt in der ‹Hauptstraße 12, 10115 Berlin›.",
        "Mein Name ist «Jürgen Großmann».",
        "‹Willy-Brandt-Straße 1\n10557 Berlin›",
        "‹Unter den Linden 77, 10117 Berlin›",
        "Mit freundlichen Grüßen\n«Sabine Vogel»",
        "Im März war das Wetter in München besser als im Mai.",
        "Die Rechnung Nr. 4711 ist am Montag fällig.",
    ]);
}

/// Nouns have capitals there, so that capitals prove nothing.
#[test]
fn german_prose_without_persons() {
    check(&[
        "Der Schutz von Minderheiten ist das Ziel der Vereinigung.",
        "Das Haus der Kulturen zeigt Werke der Romantik und Bilder von Bergen.",
        "Die Verletzung der Sorgfaltspflicht führt zum Verlust des Anspruchs auf Erstattung von Auslagen.",
        "Nach Abschluss der Verhandlungen gelten die Bestimmungen des Rahmenvertrags zur Lieferung von Ersatzteilen.",
        "Mit Bundesratsbeschluss vom Montag wurden Versicherungsbedingungen und Gebührenordnung geändert.",
        "Nach § 12 ist der Rechtsweg offen, nach Absatz 3 ist der Feldweg zu sperren.",
        "Jede Erklärung, die eine Partei abgibt, bindet beide Parteien.",
    ]);
}

#[test]
fn particles_and_articles_of_names() {
    check(&[
        "«Ursula von der Leyen» und «Karl zu Löwenstein» kamen.",
        "Frau «Lang von Langen» rief an.",
        "Wij spraken met «Jan van den Heuvel» over de vereniging van de handelaren.",
        "«Carmen de la Torre» firmó el acuerdo de la Asociación de los Comerciantes.",
        "Nell'ultima riunione si è parlato dell'organizzazione.",
    ]);
}

/// `Allen` and `Nada` are names elsewhere.
#[test]
fn function_words_that_are_names_elsewhere() {
    check(&[
        "Allen zijn welkom.",
        "Nada en este texto es nuevo.",
        "«Allen» said so.",
        "We asked «Allen» about it.",
        "15 x relay 24 V, SKU DL-12345",
    ]);
}

#[test]
fn french_spanish_italian() {
    check(&[
        "Je m'appelle «Chloé Lefèvre» et j'habite ‹12, rue de la Paix, 75002 Paris›.",
        "Bonjour Mme «Dubois», merci.",
        "‹8 avenue des Champs-Élysées\n75008 Paris›",
        "Le chapitre 7 décrit Windows 11. Merci de répondre avant mardi.",
        "Me llamo «María García López» y vivo en ‹Calle Mayor 5, Madrid›.",
        "Estimado Sr. «Fernández», gracias.",
        "Mi chiamo «Giulia Bianchi», abito in ‹Via Garibaldi 24, 20121 Milano›.",
        "Gentile Dott.ssa «Rossi», grazie.",
    ]);
}

#[test]
fn dutch_nordic_slavic_and_greek() {
    check(&[
        "Ik heet «Pieter de Vries» en woon op ‹Keizersgracht 123, 1015 CJ Amsterdam›.",
        "Jag heter «Astrid Lindqvist», ‹Storgatan 5, 111 51 Stockholm›",
        "‹Nørregade 10, 1165 København›",
        "‹Mannerheimintie 4, 00100 Helsinki›",
        "Nazywam się «Agnieszka Wiśniewska», mieszkam przy ‹ul. Długa 12, 31-147 Kraków›.",
        "Jmenuji se «Tereza Dvořáková».",
        "Με λένε «Γιώργος Παπαδόπουλος».",
    ]);
}

#[test]
fn hebrew() {
    check(&[
        "שלום, שמי «דוד כהן» ואני גר ‹ברחוב הרצל 15, תל אביב›",
        "ד\"ר «רונית לוי» תתקשר מחר",
        "קוראים לי «יעל»",
        "דיברתי עם «יוסי מזרחי» ו«נועה גולן»",
        "‹שדרות רוטשילד 22›",
        "‹ת.ד. 1234 חיפה›",
        "אור גדול בחדר. שיר יפה. גל גדול בים.",
        "במרץ היה מזג האוויר בתל אביב נעים.",
        "הזמנו 25 כיסאות ו־3 שולחנות.",
        "כל אדם רשאי לפנות אליה ולקבל מידע על בני משפחתו.",
        "היומן הלילי נסגר, והסיפור האמיתי נכתב.",
    ]);
}
