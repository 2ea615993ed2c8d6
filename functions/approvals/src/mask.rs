//! Personal data on pages: hidden, unless whoever may decide asks to see it.

use std::sync::Arc;

use redact::{Direction, Policies, Policy, Texts};

use crate::odd::{Piece, pieces};

/// How somebody looks at texts.
#[derive(Debug)]
pub struct Eyes<'a> {
    /// What is personal, by the tenant's own policy.
    pub policy: &'a Policy,
    /// Whether it is shown all the same.
    pub reveal: bool,
}

impl Eyes<'_> {
    /// A text in pieces; what is personal in it is one piece, of which only its type and its length are told.
    pub fn see(&self, text: &str, field: Option<&str>) -> Vec<Piece> {
        if self.reveal {
            return pieces(text);
        }
        let field = field.filter(|name| !name.is_empty());
        let (mut out, mut from) = (Vec::new(), 0);
        for hit in self.policy.detect(text, field, Direction::Both) {
            out.extend(pieces(text.get(from..hit.start).unwrap_or_default()));
            let hidden = text.get(hit.start..hit.end).unwrap_or_default();
            out.push(Piece::Hidden {
                kind: self.policy.id(hit.kind).to_owned(),
                chars: hidden.chars().count(),
            });
            from = hit.end;
        }
        out.extend(pieces(text.get(from..).unwrap_or_default()));
        out
    }
}

/// The policy of a tenant's documents: floor, tenant, agent. One that does not read is taken for the standard.
pub fn policy(policies: &Policies, texts: Texts<'_>) -> Arc<Policy> {
    policies.get(texts, true).unwrap_or_else(|_| {
        tracing::error!("dlp.unreadable");
        Policy::standard()
    })
}
