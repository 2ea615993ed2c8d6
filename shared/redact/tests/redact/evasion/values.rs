//! Valid values of each type, the same ones in every run.

pub(crate) struct Type {
    pub(crate) name: &'static str,
    /// What the finding must be.
    pub(crate) label: &'static str,
    /// What stands before a value, and after.
    around: (&'static str, &'static str),
    make: fn(&mut Draw) -> String,
}

impl Type {
    pub(crate) fn value(&self, draw: &mut Draw) -> String {
        (self.make)(draw)
    }

    pub(crate) fn sentence(&self, value: &str) -> String {
        format!("{}{value}{}", self.around.0, self.around.1)
    }
}

const PLAIN: (&str, &str) = ("please look at ", " before noon");

pub(crate) const TYPES: &[Type] = &[
    Type { name: "card", label: "CARD", around: PLAIN, make: card },
    Type { name: "iban", label: "IBAN", around: PLAIN, make: iban },
    Type { name: "ssn", label: "SSN", around: PLAIN, make: ssn },
    Type { name: "email", label: "EMAIL", around: PLAIN, make: email },
    Type { name: "phone", label: "PHONE", around: PLAIN, make: phone },
    Type { name: "ip", label: "IP", around: PLAIN, make: ip },
    Type { name: "il_id", label: "IL_ID", around: ("תעודת זהות ", " בבקשה"), make: il_id },
    Type { name: "pl_pesel", label: "PL_PESEL", around: ("PESEL ", " proszę"), make: pesel },
    Type { name: "api_key", label: "SECRET", around: PLAIN, make: api_key },
];

/// A linear congruential generator (Knuth's MMIX): the values need no better one.
pub(crate) struct Draw(pub(crate) u64);

impl Draw {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    pub(crate) fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len() as u64) as usize]
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }

    fn of(&mut self, alphabet: &str, count: usize) -> String {
        let alphabet = alphabet.as_bytes();
        (0..count).map(|_| char::from(alphabet[self.below(alphabet.len() as u64) as usize])).collect()
    }
}

fn luhn_digit(body: &str) -> u32 {
    let digits = body.bytes().rev().map(|digit| u32::from(digit - b'0'));
    let sum: u32 = digits
        .enumerate()
        .map(|(at, digit)| if at % 2 == 0 { digit * 2 % 10 + digit / 5 } else { digit })
        .sum();
    (10 - sum % 10) % 10
}

fn grouped(text: &str, size: usize, separator: &str) -> String {
    let characters = text.chars().collect::<Vec<_>>();
    characters.chunks(size).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(separator)
}

fn card(draw: &mut Draw) -> String {
    let prefix = draw.one(&["4", "4539", "51", "55", "2221", "6011"]);
    let body = format!("{prefix}{}", draw.digits(15 - prefix.len()));
    let value = format!("{body}{}", luhn_digit(&body));
    grouped(&value, 4, draw.one(&["", " ", "-"]))
}

fn iban(draw: &mut Draw) -> String {
    let (country, national) = match draw.below(3) {
        0 => ("DE", draw.digits(18)),
        1 => ("IL", draw.digits(19)),
        _ => ("GB", format!("{}{}", draw.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 4), draw.digits(14))),
    };
    let rest = format!("{national}{country}00").bytes().fold(0_u32, |rest, byte| {
        let value = u32::from(byte - if byte.is_ascii_digit() { b'0' } else { b'A' - 10 });
        (rest * if value > 9 { 100 } else { 10 } + value) % 97
    });
    let value = format!("{country}{:02}{national}", 98 - rest);
    grouped(&value, 4, draw.one(&["", " "]))
}

fn ssn(draw: &mut Draw) -> String {
    format!(
        "{}{}-{}{}-{}{}",
        1 + draw.below(5),
        10 + draw.below(90),
        1 + draw.below(9),
        draw.below(10),
        1 + draw.below(9),
        draw.digits(3)
    )
}

fn email(draw: &mut Draw) -> String {
    let first = draw.one(&["dana", "noa", "peter", "marie", "jan", "ana"]);
    let last = draw.one(&["levi", "cohen", "schmidt", "dubois", "kowalski", "silva"]);
    format!(
        "{first}{}{last}{}@{}",
        draw.one(&[".", "_", "-"]),
        draw.below(100),
        draw.one(&["example.com", "mail.example.org", "example.co.il"])
    )
}

/// Plans in which every such number is valid: Israeli and German mobiles, Manhattan.
fn phone(draw: &mut Draw) -> String {
    let tail = draw.digits(4);
    match draw.below(3) {
        0 => format!("+972 5{}-{}{}-{tail}", draw.one(&["0", "2", "4"]), 2 + draw.below(8), draw.digits(2)),
        1 => format!("+49 151 {}{tail}", 2000 + draw.below(8000)),
        _ => format!("+1 212-{}{}-{tail}", 2 + draw.below(8), 20 + draw.below(70)),
    }
}

fn ip(draw: &mut Draw) -> String {
    format!("{}.{}.{}.{}", 11 + draw.below(110), draw.below(256), draw.below(256), 1 + draw.below(254))
}

fn il_id(draw: &mut Draw) -> String {
    let body = format!("{}{}", draw.below(4), draw.digits(7));
    format!("{body}{}{}", draw.one(&["", "-"]), luhn_digit(&body))
}

/// A date of the last century, a serial number, and the check digit (weights 1, 3, 7, 9).
fn pesel(draw: &mut Draw) -> String {
    let (year, month, day) = (10 + draw.below(90), 1 + draw.below(12), 1 + draw.below(28));
    let body = format!("{year:02}{month:02}{day:02}{}", draw.digits(4));
    let weights = [1, 3, 7, 9].into_iter().cycle();
    let sum: u32 = body.bytes().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

const BASE62: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn api_key(draw: &mut Draw) -> String {
    match draw.below(3) {
        0 => github(draw),
        1 => format!("AKIA{}", draw.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)),
        _ => format!("sk_{}_{}", "live", draw.of(BASE62, 24)),
    }
}

/// The last six characters are the CRC-32 of the thirty before, in base62.
fn github(draw: &mut Draw) -> String {
    let body = draw.of(BASE62, 30);
    let mut crc = crc32fast::hash(body.as_bytes());
    let mut tail = Vec::new();
    for _ in 0..6 {
        tail.push(char::from(BASE62.as_bytes()[(crc % 62) as usize]));
        crc /= 62;
    }
    format!("ghp_{body}{}", tail.iter().rev().collect::<String>())
}
