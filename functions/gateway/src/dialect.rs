//! The dialects that agents and providers speak, and which provider speaks which.

use domain::ProviderKind;

use crate::translate::Pair;

/// A request's shape. The same word names the route a caller took and the route that the provider is called by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// OpenAI, "Create chat completion".
    Chat,
    /// OpenAI, "Create a model response".
    Responses,
    /// OpenAI, "Create embeddings".
    Embeddings,
    /// Anthropic, "Create a Message".
    Messages,
    /// Anthropic, "Count tokens in a Message".
    CountTokens,
}

impl Dialect {
    pub const ALL: [Self; 5] =
        [Self::Chat, Self::Responses, Self::Embeddings, Self::Messages, Self::CountTokens];

    /// The path below a provider's base URL, and below `/v1/` here.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Chat => "chat/completions",
            Self::Responses => "responses",
            Self::Embeddings => "embeddings",
            Self::Messages => "messages",
            Self::CountTokens => "messages/count_tokens",
        }
    }

    /// The path that a caller sends it to, as a key's scopes name it.
    pub const fn route(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::Responses => "/v1/responses",
            Self::Embeddings => "/v1/embeddings",
            Self::Messages => "/v1/messages",
            Self::CountTokens => "/v1/messages/count_tokens",
        }
    }

    pub fn of_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.route() == path)
    }

    /// Whether answers can be asked for as a stream.
    pub const fn streams(self) -> bool {
        matches!(self, Self::Chat | Self::Responses | Self::Messages)
    }

    pub const fn vendor(self) -> Vendor {
        match self {
            Self::Chat | Self::Responses | Self::Embeddings => Vendor::OpenAi,
            Self::Messages | Self::CountTokens => Vendor::Anthropic,
        }
    }
}

/// Whose shape an error takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    OpenAi,
    Anthropic,
}

/// How a caller's dialect reaches a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The provider speaks it: no field is touched that the controls need not touch.
    Same,
    Translated(Pair),
}

impl Way {
    /// Which way a call takes to a provider of this kind; none if it cannot.
    pub const fn to(kind: ProviderKind, dialect: Dialect) -> Option<Self> {
        use Dialect::{Chat, CountTokens, Embeddings, Messages, Responses};
        match (kind, dialect) {
            (ProviderKind::OpenAi | ProviderKind::Azure, Chat | Responses | Embeddings)
            | (ProviderKind::Compatible, Chat | Embeddings)
            | (ProviderKind::Anthropic, Messages | CountTokens) => Some(Self::Same),
            (ProviderKind::OpenAi | ProviderKind::Azure | ProviderKind::Compatible, Messages) => {
                Some(Self::Translated(Pair::MessagesToChat))
            }
            (ProviderKind::Compatible, Responses) => Some(Self::Translated(Pair::ResponsesToChat)),
            (ProviderKind::Anthropic, Chat) => Some(Self::Translated(Pair::ChatToMessages)),
            (ProviderKind::Anthropic, Responses) => Some(Self::Translated(Pair::ResponsesToMessages)),
            (ProviderKind::Anthropic, Embeddings)
            | (ProviderKind::OpenAi | ProviderKind::Azure | ProviderKind::Compatible, CountTokens) => None,
        }
    }

    /// The dialect on the provider's side.
    pub const fn wire(self, caller: Dialect) -> Dialect {
        match self {
            Self::Same => caller,
            Self::Translated(Pair::ChatToMessages | Pair::ResponsesToMessages) => Dialect::Messages,
            Self::Translated(Pair::MessagesToChat | Pair::ResponsesToChat) => Dialect::Chat,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_its_dialects() {
        for dialect in Dialect::ALL {
            assert_eq!(Dialect::of_path(&format!("/v1/{}", dialect.path())), Some(dialect));
        }
        for stray in ["/v1/", "/chat/completions", "/v1/batches", "/v1/messages/batches", "/v1/messages/"] {
            assert_eq!(Dialect::of_path(stray), None, "{stray}");
        }
    }

    /// Reviewed: which route reaches which kind of provider.
    #[test]
    fn the_ways_are_these() {
        let way = |kind, dialect| Way::to(kind, dialect).map(|way| way.wire(dialect));
        let row = |kind| Dialect::ALL.map(|dialect| way(kind, dialect));
        use Dialect::{Chat, CountTokens, Embeddings, Messages, Responses};
        let openai = [Some(Chat), Some(Responses), Some(Embeddings), Some(Chat), None];
        assert_eq!(row(ProviderKind::OpenAi), openai);
        assert_eq!(row(ProviderKind::Azure), openai);
        assert_eq!(
            row(ProviderKind::Compatible),
            [Some(Chat), Some(Chat), Some(Embeddings), Some(Chat), None]
        );
        assert_eq!(
            row(ProviderKind::Anthropic),
            [Some(Messages), Some(Messages), None, Some(Messages), Some(CountTokens)]
        );
    }
}
