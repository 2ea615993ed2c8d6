//! From a text to a filter, by recursive descent; depth and number are bounded as it goes.

use domain::Timestamp;

use super::token::{Token, tokens};
use super::{At, Filter, Literal, MAX_DEPTH, MAX_LENGTH, MAX_TERMS, Op, Test};
use crate::error::{ScimError, ScimType, shown};
use crate::schema::{Attribute, Kind, Named, Place, Type};

pub(super) fn filter(kind: Kind, text: &str) -> Result<Filter, ScimError> {
    let tokens = bounded(text)?;
    let mut parser = Parser { kind, tokens: &tokens, depth: 0, terms: 0 };
    let filter = parser.any(None)?;
    parser.end().map(|()| filter)
}

type ElementPath = (Place, Filter, Option<&'static Attribute>);

/// The pieces of `attribute[filter]` or `attribute[filter].sub`, a path of a change; `None` when the text has no bracket.
pub(crate) fn element_path(kind: Kind, text: &str) -> Result<Option<ElementPath>, ScimError> {
    let tokens = bounded(text)?;
    let mut parser = Parser { kind, tokens: &tokens, depth: 0, terms: 0 };
    let Some(Token::Word(name)) = parser.next() else {
        return Err(invalid("it begins with no name of an attribute"));
    };
    if parser.peek() != Some(&Token::OpenElement) {
        return Ok(None);
    }
    let (place, filter) = parser.element(name)?;
    let sub = parser.sub_after(&place)?;
    parser.end().map(|()| Some((place, filter, sub)))
}

fn bounded(text: &str) -> Result<Vec<Token<'_>>, ScimError> {
    if text.len() > MAX_LENGTH {
        return Err(invalid(&format!("it is longer than {MAX_LENGTH} bytes: ask in parts")));
    }
    tokens(text)
}

fn invalid(why: &str) -> ScimError {
    ScimError::bad(ScimType::InvalidFilter, format!("the filter is not understood: {why}"))
}

fn unknown(name: &str) -> ScimError {
    invalid(&format!("{} is not in our schemas; /Schemas lists what is", shown(name)))
}

struct Parser<'p, 't> {
    kind: Kind,
    tokens: &'p [Token<'t>],
    depth: usize,
    terms: usize,
}

/// The attribute whose elements are asked, inside brackets.
type Scope = Option<Place>;

impl<'p, 't> Parser<'p, 't> {
    fn peek(&self) -> Option<&'p Token<'t>> {
        self.tokens.first()
    }

    fn next(&mut self) -> Option<&'p Token<'t>> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn end(&self) -> Result<(), ScimError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(invalid("something follows its end; join conditions with `and` or `or`")),
        }
    }

    fn took_word(&mut self, word: &str) -> bool {
        let is = self.peek().is_some_and(|token| token.is_word(word));
        if is {
            self.next();
        }
        is
    }

    fn closed(&mut self, by: &Token<'static>, what: &str) -> Result<(), ScimError> {
        if self.next() == Some(by) { Ok(()) } else { Err(invalid(&format!("`{what}` is missing"))) }
    }

    fn any(&mut self, scope: Scope) -> Result<Filter, ScimError> {
        let mut any = vec![self.all(scope)?];
        while self.took_word("or") {
            any.push(self.all(scope)?);
        }
        Ok(one_or(any, Filter::Any))
    }

    fn all(&mut self, scope: Scope) -> Result<Filter, ScimError> {
        let mut all = vec![self.unit(scope)?];
        while self.took_word("and") {
            all.push(self.unit(scope)?);
        }
        Ok(one_or(all, Filter::All))
    }

    fn unit(&mut self, scope: Scope) -> Result<Filter, ScimError> {
        match self.next() {
            Some(Token::Open) => self.group(scope),
            Some(token) if token.is_word("not") && self.peek() == Some(&Token::Open) => {
                self.next();
                Ok(Filter::Not(Box::new(self.group(scope)?)))
            }
            Some(Token::Word(name)) if self.peek() == Some(&Token::OpenElement) => match scope {
                None => self.element_then(name),
                Some(_) => Err(invalid("brackets `[` do not lie within one another")),
            },
            Some(Token::Word(name)) => Ok(Filter::Test(self.test(name, scope)?)),
            _ => Err(invalid("a condition is missing: write `attribute operator \"value\"`")),
        }
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, ScimError>) -> Result<T, ScimError> {
        if self.depth >= MAX_DEPTH {
            return Err(invalid(&format!("it is nested more than {MAX_DEPTH} levels deep")));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn group(&mut self, scope: Scope) -> Result<Filter, ScimError> {
        self.deeper(|parser| {
            let inner = parser.any(scope)?;
            parser.closed(&Token::Close, ")").map(|()| inner)
        })
    }

    /// `name[...]`; the bracket is next.
    fn element(&mut self, name: &str) -> Result<(Place, Filter), ScimError> {
        let place = match self.kind.named(name) {
            Some(Named::At(place)) if place.sub.is_none() && place.attribute.is_complex() => place,
            Some(_) => return Err(invalid(&format!("{} has no elements to choose from", shown(name)))),
            None => return Err(unknown(name)),
        };
        self.next();
        let within = self.deeper(|parser| {
            let inner = parser.any(Some(place))?;
            parser.closed(&Token::CloseElement, "]").map(|()| inner)
        })?;
        Ok((place, within))
    }

    fn element_then(&mut self, name: &str) -> Result<Filter, ScimError> {
        let (place, within) = self.element(name)?;
        let within = match self.sub_after(&place)? {
            Some(sub) => Filter::All(vec![within, Filter::Test(self.operation(At::Sub(sub))?)]),
            None => within,
        };
        Ok(Filter::Element(place, Box::new(within)))
    }

    /// `.sub` after a closing bracket.
    fn sub_after(&mut self, place: &Place) -> Result<Option<&'static Attribute>, ScimError> {
        let Some(Token::Word(word)) = self.peek() else { return Ok(None) };
        let Some(name) = word.strip_prefix('.') else { return Ok(None) };
        self.next();
        place.attribute.sub(name).map(Some).ok_or_else(|| unknown(name))
    }

    fn test(&mut self, name: &str, scope: Scope) -> Result<Test, ScimError> {
        let at = match scope {
            Some(place) => place.attribute.sub(name).map(At::Sub),
            None => match self.kind.named(name) {
                Some(Named::At(place)) => Some(At::Place(place)),
                _ => None,
            },
        };
        self.operation(at.ok_or_else(|| unknown(name))?)
    }

    fn operation(&mut self, at: At) -> Result<Test, ScimError> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(invalid(&format!("it has more than {MAX_TERMS} conditions: ask in parts")));
        }
        let op = match self.next() {
            Some(Token::Word(word)) => Op::named(word),
            _ => None,
        };
        let op = op.ok_or_else(|| {
            invalid("an operator is missing: it is one of eq, ne, co, sw, ew, gt, ge, lt, le and pr")
        })?;
        let at = if op == Op::Pr { at } else { with_value(at) };
        if !op.suits(at.leaf().kind) {
            return Err(unsuited(at.leaf(), op));
        }
        let value = match op {
            Op::Pr => Literal::Null,
            _ => literal(at.leaf(), op, self.next())?,
        };
        Ok(Test { at, op, value })
    }
}

fn one_or(mut filters: Vec<Filter>, many: fn(Vec<Filter>) -> Filter) -> Filter {
    match filters.pop() {
        Some(only) if filters.is_empty() => only,
        last => {
            filters.extend(last);
            many(filters)
        }
    }
}

/// A complex attribute by itself means its `value` (RFC 7644, figure 2: `emails co "example.org"`).
fn with_value(at: At) -> At {
    match at {
        At::Place(place) if place.sub.is_none() && place.attribute.is_complex() => {
            At::Place(Place { sub: place.attribute.sub("value"), ..place })
        }
        other => other,
    }
}

fn unsuited(leaf: &Attribute, op: Op) -> ScimError {
    let (name, op) = (leaf.name, op.as_str());
    match leaf.kind {
        Type::Complex => invalid(&format!("`{name}` is many things: name one, as `{name}.…`")),
        Type::DateTime => {
            invalid(&format!("`{op}` does not suit the time `{name}`: use eq, ne, gt, ge, lt, le or pr"))
        }
        _ => invalid(&format!("`{op}` does not suit `{name}`, a {}: use eq, ne or pr", leaf.kind.as_str())),
    }
}

fn literal(leaf: &Attribute, op: Op, token: Option<&Token<'_>>) -> Result<Literal, ScimError> {
    let (text, quoted) = match token {
        Some(Token::Text(text)) => (text.as_str(), true),
        Some(Token::Word(word)) => (*word, false),
        _ => return Err(invalid("a value is missing: write `attribute operator \"value\"`")),
    };
    let equality = matches!(op, Op::Eq | Op::Ne);
    if equality && (text.is_empty() || (!quoted && text == "null")) {
        return Ok(Literal::Null);
    }
    typed(leaf, text, quoted).ok_or_else(|| {
        let (name, wanted) = (leaf.name, wanted(leaf.kind));
        invalid(&format!("the value beside `{name}` does not suit it: write {wanted}"))
    })
}

fn typed(leaf: &Attribute, text: &str, quoted: bool) -> Option<Literal> {
    match leaf.kind {
        // As in changes, where Entra writes them so.
        Type::Boolean => {
            let flag = |word: &str| text.eq_ignore_ascii_case(word);
            (flag("true") || flag("false")).then(|| Literal::Flag(flag("true")))
        }
        Type::DateTime => Timestamp::from_rfc3339(text).ok().map(Literal::Time),
        Type::String | Type::Reference | Type::Binary => {
            let is_text = quoted || !["true", "false", "null"].contains(&text);
            is_text.then(|| Literal::Text(text.to_owned()))
        }
        Type::Complex => None,
    }
}

const fn wanted(kind: Type) -> &'static str {
    match kind {
        Type::Boolean => "true or false",
        Type::DateTime => "a time as \"2026-01-31T12:00:00Z\"",
        _ => "a text in double quotes",
    }
}
