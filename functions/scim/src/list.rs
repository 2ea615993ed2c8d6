//! Answers to queries (RFC 7644, section 3.4.2; RFC 9865).

use serde_json::{Map, Value, json};

pub const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// Where a page stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// 1-based, of the first resource.
    Index(usize),
    /// What to ask for the neighbours with; the last page has no next.
    Cursor { next: Option<String>, previous: Option<String> },
}

/// The body of one page. `total`: of all pages, if it is known; a page by index must say it.
pub fn page(resources: Vec<Value>, total: Option<usize>, place: Place) -> Value {
    let mut body = Map::new();
    body.insert("schemas".to_owned(), json!([SCHEMA]));
    if let Some(total) = total {
        body.insert("totalResults".to_owned(), total.into());
    }
    let cursors = match place {
        Place::Index(start) => {
            body.insert("startIndex".to_owned(), start.into());
            [None, None]
        }
        Place::Cursor { next, previous } => {
            [Some("nextCursor").zip(next), Some("previousCursor").zip(previous)]
        }
    };
    body.insert("itemsPerPage".to_owned(), resources.len().into());
    body.extend(cursors.into_iter().flatten().map(|(name, cursor)| (name.to_owned(), cursor.into())));
    body.insert("Resources".to_owned(), Value::Array(resources));
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_integers() {
        assert_eq!(
            page(vec![json!({"id": "u-1"})], Some(7), Place::Index(3)).to_string(),
            format!(
                r#"{{"schemas":["{SCHEMA}"],"totalResults":7,"startIndex":3,"itemsPerPage":1,"Resources":[{{"id":"u-1"}}]}}"#
            )
        );
        assert_eq!(
            page(Vec::new(), Some(0), Place::Index(1)),
            json!({"schemas": [SCHEMA], "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": []})
        );
    }

    #[test]
    fn cursors_stand_only_where_there_is_a_neighbour() {
        let place = Place::Cursor { next: Some("n".to_owned()), previous: None };
        assert_eq!(
            page(Vec::new(), None, place),
            json!({"schemas": [SCHEMA], "itemsPerPage": 0, "nextCursor": "n", "Resources": []})
        );
        let place = Place::Cursor { next: None, previous: Some("p".to_owned()) };
        assert_eq!(page(Vec::new(), Some(1), place)["previousCursor"], "p");
    }
}
