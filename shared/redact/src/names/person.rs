//! Persons in scripts with capitals: gathers a run of capitalised words and lets [`weigh`](super::weigh) judge it.

use super::gazetteer::{flag, flags_of};
use super::text::{Shape, Text, Word, is_letter};
use super::weigh::{Around, score};
use super::{Entity, NameKind};
use crate::shortcut;

/// Words of one name, titles aside: `Maria del Carmen de la Cruz Ortiz` has seven.
const MAX_TOKENS: usize = 8;

/// One word of a run; `Anne-Marie` and `O'Brien` are one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub start: usize,
    pub end: usize,
    pub flags: u32,
    pub shape: Shape,
    pub letters: usize,
}

impl Token {
    pub(crate) const fn has(&self, flags: u32) -> bool {
        self.flags & flags != 0
    }

    pub(crate) const fn is_name(&self) -> bool {
        self.has(flag::ANY_NAME)
    }

    /// An ordinary word, place, month or the like that no list has as a name.
    pub(crate) const fn is_other(&self) -> bool {
        let other =
            flag::WORD | flag::PLACE | flag::ORG | flag::CALENDAR | flag::STREET | flag::PRE | flag::PRODUCT;
        !self.is_name() && self.has(other | flag::UNIT | flag::MILITARY | flag::CUE_STRONG | flag::SALUTE)
    }
}

/// The words of a candidate, in order, without title.
pub(crate) struct Run {
    tokens: [Option<Token>; MAX_TOKENS],
    length: usize,
}

impl Run {
    const fn new() -> Self {
        Self { tokens: [None; MAX_TOKENS], length: 0 }
    }

    fn push(&mut self, token: Token) -> bool {
        let Some(slot) = self.tokens.get_mut(self.length) else { return false };
        *slot = Some(token);
        self.length += 1;
        true
    }

    pub(crate) fn tokens(&self) -> impl DoubleEndedIterator<Item = Token> + '_ {
        self.tokens.iter().take(self.length).flatten().copied()
    }

    fn first(&self) -> Option<Token> {
        self.tokens().next()
    }

    fn last(&self) -> Option<Token> {
        self.tokens().next_back()
    }

    fn pop_particles(&mut self) {
        while self.last().is_some_and(|t| t.shape == Shape::Lower) {
            self.length -= 1;
        }
    }
}

/// Looks at a capitalised word that begins at `start`; returns where to go on.
pub(crate) fn at(text: &Text, start: usize, out: &mut Vec<Entity>) -> usize {
    let Some(word) = text.word_at(start) else { return start + 1 };
    if shortcut::taken() && is_unlisted_and_alone(text, &word) {
        return word.end;
    }
    let is_abbreviated = word.has(flag::TITLE) && text.byte(word.end) == b'.';
    if is_plainly_no_name(text, &word) || !is_abbreviated && is_code(text, start, word.end) {
        return word.end;
    }
    let (start, has_title) = after_titles(text, &word);
    let Some(first) = token_at(text, start).filter(|t| t.shape != Shape::Lower) else { return word.end };
    if first.is_other() && !(has_title && !word.is_vague_title() && first.letters > 2) {
        return first.end.max(word.end);
    }
    let mut run = Run::new();
    let stop = gather(text, first, has_title, &mut run);
    let Some(last) = run.last() else { return word.end };
    let around = Around { has_title, next: stop, title: has_title.then_some(word) };
    let found = judge(text, &run, &around);
    out.extend(found);
    found.map_or(last.end, |found| found.end).max(word.end)
}

/// A word that no list has as a name or title, with no capital after it and nothing before or after that speaks for a
/// name: whatever [`weigh`](super::weigh) adds up for it stays below even odds.
fn is_unlisted_and_alone(text: &Text, word: &Word) -> bool {
    let listed = flag::ANY_NAME | flag::TITLE | flag::SUFFIX;
    if word.has(listed) || word.shape == Shape::Initial || text.remembers(word.key) {
        return false;
    }
    let ends = match text.byte(word.end) {
        b' ' => is_followed_by_nothing(text, word.end + 1),
        b'-' | b'\'' | b':' | b'\t' | 0x80.. => false,
        _ => true,
    };
    ends && text.cues_before(word.start).flags & (flag::CUE_STRONG | flag::SALUTE) == 0
}

/// Whether a plain word in lower case stands here, or none that could belong to a name.
fn is_followed_by_nothing(text: &Text, at: usize) -> bool {
    match text.byte(at) {
        b'a'..=b'z' => text.word_at(at).is_some_and(|next| {
            next.shape == Shape::Lower && !next.has(flag::PARTICLE | flag::AFTER | flag::AFTER_WEAK)
        }),
        b' ' | b'\t' | b'A'..=b'Z' | 0x80.. => false,
        _ => true,
    }
}

/// What most capitalised words are: an ordinary word that is neither name nor title, or the `I` of a sentence.
#[inline]
fn is_plainly_no_name(text: &Text, word: &Word) -> bool {
    match word.shape {
        Shape::Camel => true,
        Shape::Initial if word.end == word.start + 1 => {
            let (after, next) = (text.byte(word.end), text.byte(word.end + 1));
            !matches!(after, b'.' | b'-' | b'\'' | 0xe2 | b' ')
                || (after == b' ' && (next.is_ascii_lowercase() || next == b' '))
                || (after == b'\'' && !next.is_ascii_uppercase())
        }
        _ if word.has(flag::DETERMINER) && word.has(flag::WORD) => {
            // `Der Wille` at the beginning of a sentence; elsewhere a capital means something: `Marine Le Pen`.
            !word.has(flag::GIVEN_STRONG) && text.begins_sentence(word.start)
        }
        _ => word.has(flag::WORD | flag::PLACE) && !word.has(flag::ANY_NAME | flag::TITLE),
    }
}

/// Beside marks that make it code, a path, a handle or a link.
fn is_code(text: &Text, start: usize, end: usize) -> bool {
    let before = start.checked_sub(1).map_or(0, |at| text.byte(at));
    let after = text.byte(end);
    let next = text.byte(end + 1);
    // Hebrew prefixes stand right before names in Latin letters.
    if before >= 0x80 && text.char_before(start).is_some_and(|c| is_letter(c) && !('א'..='ת').contains(&c))
    {
        return true;
    }
    matches!(
        before,
        b'_' | b'@' | b'/' | b'\\' | b'#' | b'$' | b'.' | b'&' | b'%' | b'<' | b'`' | b'{' | b'~'
    ) || matches!(
        after,
        b'_' | b'@' | b'/' | b'\\' | b'=' | b'`' | b'0'
            ..=b'9' | b'{' | b'[' | b'<' | b'>' | b'~' | b'+' | b'#'
    ) || (after == b'(' || (after == b':' && next == b':') || (after == b'.' && next.is_ascii_alphanumeric()))
}

/// Passes over titles (`Prof. Dr.`); whether there was one, and the start of what follows.
fn after_titles(text: &Text, word: &Word) -> (usize, bool) {
    let (mut start, mut title, mut word) = (word.start, false, *word);
    while word.has(flag::TITLE) && word.is_capital() {
        let dot = word.end + usize::from(text.byte(word.end) == b'.');
        // `Dott.ssa`, `Sig.ra`
        let ending =
            text.word_at(dot).filter(|w| dot > word.end && w.shape == Shape::Lower && w.end - dot < 4);
        let next = text.after_blanks(ending.map_or(dot, |w| w.end));
        let Some(following) =
            text.word_at(next).filter(|w| w.is_capital() || w.has(flag::PARTICLE | flag::TITLE))
        else {
            break;
        };
        // `Frau Lang`, but not the `King` of `King Street` nor `Sr. Engineer`.
        let is_other_word = (word.is_vague_title() || word.has(flag::GIVEN))
            && following.has(flag::WORD | flag::STREET | flag::ORG);
        if next == word.end || is_other_word || following.has(flag::ROLE) {
            break;
        }
        (start, title, word) = (next, true, following);
    }
    (start, title)
}

/// The word at a place, with what hyphens and apostrophes join to it.
fn token_at(text: &Text, start: usize) -> Option<Token> {
    let word = text.word_at(start)?;
    let mut token =
        Token { start, end: word.end, flags: word.flags, shape: word.shape, letters: word.end - start };
    for _ in 0..3 {
        let Some(joint) = text.char_at(token.end).filter(|c| matches!(c, '-' | '\'' | '’')) else { break };
        let Some(next) = text.word_at(token.end + joint.len_utf8()) else { break };
        if joint == '-' {
            if !next.is_capital() {
                break;
            }
            token.flags = hyphenated(token.flags, next.flags);
        } else if next.end - next.start < 3 {
            break;
        } else if next.is_capital() {
            token.flags |= next.flags & flag::ANY_NAME | flag::SURNAME;
        } else {
            // `Nell'altro`: an elision and another word. Only what is listed as one word is a name.
            token.flags = flags_of(text.slice(start, next.end));
        }
        token.end = next.end;
        token.letters += next.end - next.start;
        if token.shape == Shape::Initial {
            token.shape = next.shape;
        }
    }
    if token.flags == 0 && is_noun(text, &token) {
        token.flags = flag::WORD;
    }
    Some(token)
}

/// Longer than unlisted surnames are, in bytes: a compound of German, Dutch or Finnish.
const COMPOUND: usize = 15;
/// The shortest noun that its ending gives away.
const DERIVED: usize = 7;

/// Whether a word that no list has is a noun for its form: `Wahrnehmung`, `Declaración`, `Bundesgesetzblatt`.
fn is_noun(text: &Text, token: &Token) -> bool {
    if token.letters < DERIVED || token.shape == Shape::Lower {
        return false;
    }
    let ending = text.word_before(token.end).map_or(0, |word| text.ending_flags(&word));
    ending & flag::WORD != 0 || token.letters >= COMPOUND && ending & flag::SURNAME == 0
}

/// `Anne-Marie` is a given name, `Smith-Jones` a surname, `Chief-Executive` neither.
const fn hyphenated(first: u32, second: u32) -> u32 {
    let names = (first | second) & flag::ANY_NAME;
    let others = first & second & !flag::ANY_NAME;
    if first & second & flag::SURNAME != 0 && first & second & flag::GIVEN_STRONG == 0 {
        flag::SURNAME | others
    } else if first & second & flag::ANY_NAME != 0 {
        names | others
    } else {
        names & first | others | (second & flag::WORD)
    }
}

/// Fills the run from its first word on; returns the word that stops it, if one follows on the line.
fn gather(text: &Text, first: Token, has_title: bool, run: &mut Run) -> Option<Word> {
    let mut token = first;
    loop {
        token.end += usize::from(has_dot(text, &token));
        if !run.push(token) {
            return None;
        }
        let next = text.after_blanks(token.end);
        if next == token.end && token.shape != Shape::Initial {
            return None;
        }
        match following(text, next).and_then(|token| joined(text, token, has_title, run)) {
            Ok(following) => token = following,
            Err(stop) => {
                run.pop_particles();
                return stop;
            }
        }
    }
}

/// A particle joins a surname to a given name: `Ursula von der Leyen`, but not `Grundlage von Freiheit`; and an article
/// stands in a name after a preposition alone: `van der`, `de la`, but not `Haus der`. After a title or an introduction
/// any word may be the given name.
fn joined(text: &Text, token: Token, has_title: bool, run: &Run) -> Result<Token, Option<Word>> {
    if token.shape != Shape::Lower {
        return Ok(token);
    }
    let is_article = token.has(flag::DETERMINER);
    let follows_particle = run.last().is_some_and(|last| last.shape == Shape::Lower);
    let is_introduced =
        || run.first().is_some_and(|first| text.cues_before(first.start).flags & flag::CUE_STRONG != 0);
    let joins = if is_article {
        follows_particle
    } else {
        follows_particle || has_title || has_given(run) || is_introduced()
    };
    if joins { Ok(token) } else { Err(text.word_at(token.start)) }
}

/// Whether a run has a listed given name or an initial, so far.
fn has_given(run: &Run) -> bool {
    run.tokens().any(|t| t.has(flag::ANY_GIVEN) || t.shape == Shape::Initial)
}

fn has_dot(text: &Text, token: &Token) -> bool {
    let abbreviates = token.shape == Shape::Initial || token.has(flag::SUFFIX);
    abbreviates && text.byte(token.end) == b'.'
}

/// The next word of a run, or what stands there instead.
fn following(text: &Text, at: usize) -> Result<Token, Option<Word>> {
    let Some(word) = text.char_at(at).filter(|c| c.is_alphabetic()).and_then(|_| text.word_at(at)) else {
        return Err(None);
    };
    let token = token_at(text, at).ok_or(None)?;
    match word.shape {
        Shape::Lower if word.has(flag::PARTICLE) && leads_to_capital(text, word.end, 2) => Ok(token),
        Shape::Lower | Shape::Camel => Err(Some(word)),
        Shape::Caps if token.letters < 3 && !token.has(flag::SUFFIX) => Err(Some(word)),
        _ if token.has(flag::SUFFIX) => Ok(token),
        _ if token.has(flag::STREET) && !token.has(flag::GIVEN) => Err(Some(word)),
        _ if token.is_other() || is_code(text, at, token.end) => Err(Some(word)),
        _ => Ok(token),
    }
}

/// Whether a capitalised word follows a particle, after at most `more` other particles.
fn leads_to_capital(text: &Text, end: usize, more: usize) -> bool {
    let next = text.after_blanks(end);
    let Some(word) = text.word_at(next).filter(|_| next > end) else { return false };
    match word.shape {
        Shape::Lower => more > 0 && word.has(flag::PARTICLE) && leads_to_capital(text, word.end, more - 1),
        Shape::Capital => !token_at(text, next).is_none_or(|t| t.is_other()),
        _ => false,
    }
}

fn judge(text: &Text, run: &Run, around: &Around) -> Option<Entity> {
    let (first, last) = (run.first()?, run.last()?);
    let (alone, end) = (score(text, run, around), last.end);
    let reversed = given_after_comma(text, run).map(|given| (0.75, given));
    let (score, end) = reversed.filter(|(score, _)| *score > alone).unwrap_or((alone, end));
    let is_vouched_for = || {
        let before = text.cues_before(first.start).flags;
        around.has_title || has_given(run) || before & (flag::ANY_CUE | flag::ROLE) != 0
    };
    if score >= 0.7 && run.length > 1 && is_vouched_for() {
        remember(text, run);
    }
    (score >= 0.5).then_some(Entity { start: first.start, end, kind: NameKind::Person, score })
}

/// Whoever is named in full may be named in short later: `Alice Goldberg … Goldberg's tales`.
fn remember(text: &Text, run: &Run) {
    let names = run
        .tokens()
        .filter(|t| t.shape != Shape::Lower && t.letters > 2 && !t.has(flag::WORD | flag::SUFFIX));
    names.filter_map(|t| text.word_at(t.start)).for_each(|word| text.remember(word.key));
}

/// `Smith, John`: the end of the given name after a lone surname.
fn given_after_comma(text: &Text, run: &Run) -> Option<usize> {
    let surname = run.first().filter(|t| run.length == 1 && t.has(flag::SURNAME))?;
    let is_clear = !surname.has(flag::GIVEN_STRONG | flag::PLACE | flag::CALENDAR);
    let clear = is_clear && (!surname.has(flag::WORD | flag::RARE) || text.begins_sentence(surname.start));
    let next = text.after_blanks(surname.end + 1);
    if !clear || text.byte(surname.end) != b',' || next == surname.end + 1 {
        return None;
    }
    let given = token_at(text, next).filter(|t| {
        t.shape != Shape::Lower && t.has(flag::GIVEN_STRONG) && !t.has(flag::WORD | flag::CALENDAR)
    })?;
    let after = text.byte(given.end);
    (after != b',' || !matches!(text.char_at(text.after_blanks(given.end + 1)), Some(c) if c.is_uppercase()))
        .then_some(given.end)
}
