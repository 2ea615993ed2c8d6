//! Texts to be measured on: no value stands in them twice but by chance, and no sentence has the same numbers again.

use crate::values::{Draw, TYPES};

/// Ordinary talk with a model, `#` for a number: two of three in English.
const TALK: &[&str] = &[
    "Thanks for the quick answer yesterday, I looked at chapter # again and now it makes sense to me.",
    "Could you explain step by step why the second request was counted twice although the log shows only # lines?",
    "I would rather keep the old layout for now and come back to this once the new release is out.",
    "The table has # rows and the export takes about # minutes, which is far too long for a nightly job.",
    "Please rewrite the paragraph so that it sounds friendlier, but keep the three conditions as they are.",
    "We agreed to meet on Thursday at 10:40, after the review, and to decide about the budget for 2027 then.",
    "What I do not understand is why the total differs by # EUR when both lists contain the same items.",
    "Here is what I tried so far: cleared the cache, restarted the service, and reduced the batch size to #.",
    "fn parse(line: &str) -> Option<usize> { line.split(',').nth(#)?.trim().parse().ok() }",
    "SELECT name, count(*) FROM orders WHERE created_at > '2026-03-01' GROUP BY name ORDER BY 2 DESC LIMIT #;",
    "It would help to see the whole error message, since the last # lines alone do not say where it comes from.",
    "Summarise the following text in # sentences for readers who know nothing about the subject.",
    "The customer says that the delivery arrived late and that # of the parts were damaged in transit.",
    "My first idea was to split the file, my second one to read it as a stream; neither is really simple.",
    "According to version 3.# of the handbook the valve has to be closed before the pump is started.",
    "- make a list of all open questions\n- sort it by urgency\n- write one short answer for each of them\n",
    "Ich habe das Kapitel # noch einmal gelesen und verstehe jetzt, warum die Rechnung nicht aufgeht.",
    "Könnten Sie mir bitte erklären, weshalb der zweite Versuch # Minuten länger gedauert hat als der erste?",
    "Viele Grüße aus dem Büro, wir hören uns nächste Woche wieder, wenn alle zurück sind.",
    "תודה על התשובה המהירה, קראתי שוב את פרק # ועכשיו הכול ברור יותר.",
    "אפשר להסביר לי שלב אחר שלב למה הבקשה השנייה נספרה פעמיים?",
    "Le rapport compte # pages, mais personne ne sait encore qui doit le relire avant vendredi.",
    "Everything else looks fine to me, so go ahead and send it as soon as the numbers are checked.",
    "Is there a way to do the same without a loop, or would that only make it harder to read?",
];
/// Every so many bytes of talk there is a datum.
const BETWEEN: u64 = 1_500;
const FIRST: &[&str] =
    &["Dana", "Peter", "Marie", "Noa", "Jan", "Lucia", "Thomas", "Ana", "Michael", "Sarah"];
const LAST: &[&str] =
    &["Levi", "Schmidt", "Dubois", "Cohen", "Kowalski", "Rossi", "Miller", "Silva", "Brown", "Novak"];

/// Messages of 200 to 2,000 bytes.
pub(crate) fn chat(size: usize) -> Vec<String> {
    let mut writer = Writer::new();
    let mut messages = Vec::new();
    let mut length = 0;
    while length < size {
        let wanted = 200 + writer.draw.below(1_800) as usize;
        let message = writer.talk(wanted);
        length += message.len();
        messages.push(message);
    }
    messages
}

/// Messages of about so many bytes.
pub(crate) fn of_length(length: usize, count: usize) -> Vec<String> {
    let mut writer = Writer::new();
    (0..count).map(|_| writer.talk(length)).collect()
}

/// Records of people: tables, JSON and prose, a datum every few words.
pub(crate) fn dense(size: usize) -> Vec<String> {
    let mut writer = Writer::new();
    let mut messages = Vec::new();
    let mut length = 0;
    while length < size {
        let records = 3 + writer.draw.below(10);
        let message = (0..records).map(|_| writer.record()).collect::<String>();
        length += message.len();
        messages.push(message);
    }
    messages
}

struct Writer {
    draw: Draw,
    /// Bytes of talk until the next datum.
    until: i64,
}

impl Writer {
    fn new() -> Self {
        Self { draw: Draw(7), until: BETWEEN as i64 }
    }

    fn talk(&mut self, length: usize) -> String {
        let mut text = String::new();
        while text.len() < length {
            let before = text.len();
            for piece in self.draw.one(TALK).split_inclusive('#') {
                text.push_str(piece.trim_end_matches('#'));
                if piece.ends_with('#') {
                    text += &(1 + self.draw.below(999)).to_string();
                }
            }
            text.push(if self.draw.below(5) == 0 { '\n' } else { ' ' });
            self.until -= (text.len() - before) as i64;
            if self.until < 0 {
                let datum = self.datum();
                text += &format!("It is {datum}, if that helps. ");
                self.until = (BETWEEN / 2 + self.draw.below(BETWEEN)) as i64;
            }
        }
        text
    }

    fn datum(&mut self) -> String {
        let one = &TYPES[self.draw.below(TYPES.len() as u64) as usize];
        one.value(&mut self.draw)
    }

    fn name(&mut self) -> String {
        format!("{} {}", self.draw.one(FIRST), self.draw.one(LAST))
    }

    fn record(&mut self) -> String {
        let name = self.name();
        let [card, iban, ssn, email, phone, ip, il_id, pesel, key] =
            [0, 1, 2, 3, 4, 5, 6, 7, 8].map(|at: usize| TYPES[at].value(&mut self.draw));
        match self.draw.below(3) {
            0 => format!("{name},{email},{phone},{card},{iban},{il_id},{ip}\n"),
            1 => format!(
                "{{\"name\":\"{name}\",\"email\":\"{email}\",\"phone\":\"{phone}\",\"ssn\":\"{ssn}\",\"iban\":\"{iban}\",\"api_key\":\"{key}\"}}\n"
            ),
            _ => format!(
                "{name} (PESEL {pesel}) paid with card {card} and asked us to call {phone} or to write to {email}; the login came from {ip}.\n"
            ),
        }
    }
}
