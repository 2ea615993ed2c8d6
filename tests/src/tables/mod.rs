//! Tables and a queue in memory, for `make bench`: what a call costs must not be what the emulator costs. Conditions and
//! updates are evaluated as everywhere in tests; whatever is not read or written here yet is read from the emulator once, and
//! whatever is no read, update or message is passed on to it. Signatures stay valid: it sees the host that was signed.
//!
//! In scope: `BatchGetItem`, `UpdateItem`, `SendMessage`. Out of scope: permissions, expiry, and keeping anything.

mod attribute;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use tables::expression::evaluate;
use tables::gates::Write;
use tables::{Item, Key, Table};
use tokio::net::{TcpListener, TcpStream};

/// What is wrong with a request, or with the way to the emulator.
#[derive(Debug)]
struct Fault(String);

impl<E: std::error::Error> From<E> for Fault {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Table, partition and sort key.
type Place = (String, String, String);

#[derive(Debug)]
struct Tables {
    /// `None`: it is known that there is none.
    rows: Mutex<HashMap<Place, Option<Item>>>,
    /// `127.0.0.1:4566`.
    upstream: String,
}

/// Serves until the future is dropped.
///
/// # Errors
/// A connection could not be accepted.
pub async fn serve(listener: TcpListener, upstream: String) -> std::io::Result<()> {
    let tables = Arc::new(Tables { rows: Mutex::default(), upstream });
    loop {
        let (stream, _) = listener.accept().await?;
        drop(tokio::spawn(connection(stream, Arc::clone(&tables))));
    }
}

async fn connection(stream: TcpStream, tables: Arc<Tables>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let tables = Arc::clone(&tables);
        async move {
            let answered = tables.handle(request).await;
            answered.or_else(|Fault(why)| Response::builder().status(500).body(Full::new(why.into())))
        }
    });
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

impl Tables {
    async fn handle(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Fault> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let target = head.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
        let operation = target.and_then(|target| target.rsplit('.').next()).unwrap_or_default().to_owned();
        let read = || serde_json::from_slice::<Value>(&body);
        match operation.as_str() {
            "BatchGetItem" => self.batch_get(&head, &read()?, &body).await,
            "UpdateItem" => self.update(&read()?),
            "SendMessage" => answer(StatusCode::OK, &json!({ "MessageId": "0", "MD5OfMessageBody": "0" })),
            _ => self.pass_on(&head, body).await,
        }
    }

    async fn batch_get(
        &self,
        head: &Parts,
        asked: &Value,
        body: &Bytes,
    ) -> Result<Response<Full<Bytes>>, Fault> {
        let tables =
            asked.get("RequestItems").and_then(Value::as_object).ok_or_else(|| lacks("no RequestItems"))?;
        let mut places = Vec::new();
        for (table, asked) in tables {
            let keys = asked.get("Keys").and_then(Value::as_array).into_iter().flatten();
            for key in keys {
                places.push(place(table, key).ok_or_else(|| lacks("a key is a pk and an sk"))?);
            }
        }
        if places.iter().any(|place| !self.knows(place)) {
            let found = self.pass_on(head, body.clone()).await?.into_body().collect().await?.to_bytes();
            self.learn(&places, &serde_json::from_slice(&found)?);
        }
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let mut responses: Map<String, Value> =
            tables.keys().map(|table| (table.clone(), json!([]))).collect();
        for place in places {
            let Some(Some(item)) = rows.get(&place) else { continue };
            if let Some(Value::Array(items)) = responses.get_mut(&place.0) {
                items.push(attribute::item_to_json(item));
            }
        }
        answer(StatusCode::OK, &json!({ "Responses": responses, "UnprocessedKeys": {} }))
    }

    fn knows(&self, place: &Place) -> bool {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).contains_key(place)
    }

    /// What is known already is newer here.
    fn learn(&self, places: &[Place], found: &Value) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        for (table, items) in found.get("Responses").and_then(Value::as_object).into_iter().flatten() {
            for item in items.as_array().into_iter().flatten() {
                if let Some(place) = place(table, item) {
                    rows.entry(place).or_insert_with(|| attribute::item_from_json(item));
                }
            }
        }
        for place in places {
            rows.entry(place.clone()).or_default();
        }
    }

    /// A row that nobody has read is taken for one that is not there, as the windows of rates are.
    fn update(&self, asked: &Value) -> Result<Response<Full<Bytes>>, Fault> {
        let table = text(asked, "TableName").ok_or_else(|| lacks("no TableName"))?;
        let key = asked.get("Key").ok_or_else(|| lacks("no Key"))?;
        let place = place(&table, key).ok_or_else(|| lacks("a key is a pk and an sk"))?;
        let write = write(asked, &place).ok_or_else(|| lacks("an expression does not read"))?;
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let before = rows.get(&place).cloned().flatten();
        let Ok(mut after) = evaluate(&write, before.as_ref()) else {
            let item = before.as_ref().map(attribute::item_to_json);
            let error = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
            let failed =
                json!({ "__type": error, "message": "The conditional request failed", "Item": item });
            return answer(StatusCode::BAD_REQUEST, &failed);
        };
        after.extend(attribute::item_from_json(key).ok_or_else(|| lacks("a key does not read"))?);
        let wanted = text(asked, "ReturnValues").is_some_and(|wanted| wanted == "ALL_NEW");
        let told = if wanted { json!({ "Attributes": attribute::item_to_json(&after) }) } else { json!({}) };
        rows.insert(place, Some(after));
        answer(StatusCode::OK, &told)
    }

    async fn pass_on(&self, head: &Parts, body: Bytes) -> Result<Response<Full<Bytes>>, Fault> {
        let stream = TcpStream::connect(&self.upstream).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        drop(tokio::spawn(connection));
        let mut request = Request::builder().method(head.method.clone()).uri(head.uri.clone());
        if let Some(headers) = request.headers_mut() {
            headers.clone_from(&head.headers);
        }
        let (head, body) = sender.send_request(request.body(Full::new(body))?).await?.into_parts();
        Ok(Response::from_parts(head, Full::new(body.collect().await?.to_bytes())))
    }
}

fn answer(status: StatusCode, body: &Value) -> Result<Response<Full<Bytes>>, Fault> {
    let response = Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
    Ok(response.body(Full::new(body.to_string().into()))?)
}

fn lacks(what: &str) -> Fault {
    Fault(what.to_owned())
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name)?.as_str().map(str::to_owned)
}

fn place(table: &str, key: &Value) -> Option<Place> {
    let part = |name| text(key.get(name)?, "S");
    Some((table.to_owned(), part("pk")?, part("sk")?))
}

fn write(asked: &Value, (_, pk, sk): &Place) -> Option<Write> {
    let fields = |name| asked.get(name).and_then(Value::as_object).into_iter().flatten();
    let names = fields("ExpressionAttributeNames")
        .map(|(name, value)| Some((name.clone().into(), value.as_str()?.to_owned())));
    let values = fields("ExpressionAttributeValues")
        .map(|(name, value)| Some((name.clone().into(), attribute::from_json(value)?)));
    Some(Write {
        // Where it lies is known already: an expression names no table.
        key: Key { table: Table::Gates, pk: pk.clone(), sk: sk.clone() },
        update: text(asked, "UpdateExpression")?.into(),
        condition: text(asked, "ConditionExpression").map(Into::into),
        names: names.collect::<Option<_>>()?,
        values: values.collect::<Option<_>>()?,
        delete: false,
    })
}
