//! Images and documents: OpenAI's data URLs and Anthropic's sources.

use serde_json::{Map, Value, json};

use super::fields::{
    Fields, Harmless, NO_COUNTERPART, Outcome, Untranslatable, always, is_auto, is_empty, is_false, never,
};

const PDF: &str = "application/pdf";
const CACHE: &str = "";

/// What the markers of a prompt cache say changes the price and nothing else.
pub const CACHE_CONTROL: Harmless = ("cache_control", always, CACHE);
pub const CACHE_BREAKPOINT: Harmless = ("prompt_cache_breakpoint", always, CACHE);

const NO_DETAIL: &str = "this provider chooses the resolution itself";
const NO_FILE_ID: &str = "a file kept at one provider is unknown to another; send its data";
const NO_DATA_URL: &str = "send the data as a base64 data URL";

/// The media type and the base64 text of a data URL.
fn data_url(url: &str) -> Option<(&str, &str)> {
    url.strip_prefix("data:")?.split_once(";base64,")
}

/// An image's address as an Anthropic image block.
pub fn image_block(url: &str) -> Outcome<Map<String, Value>> {
    let source = match data_url(url) {
        Some((media_type, data)) => json!({"type": "base64", "media_type": media_type, "data": data}),
        None if url.starts_with("data:") => return Err(Untranslatable::at("", NO_DATA_URL)),
        None => json!({"type": "url", "url": url}),
    };
    Ok(super::fields::object([("type", Value::from("image")), ("source", source)]))
}

/// A Chat `image_url` part as an Anthropic block.
pub fn image_from_chat(part: &mut Fields) -> Outcome<Map<String, Value>> {
    let inner = |mut image: Fields| {
        let block = image_block(&image.need_text("url")?).map_err(|fault| fault.inside("url"))?;
        image.end(&[("detail", is_auto, NO_DETAIL)])?;
        Ok(block)
    };
    inner(part.need_object("image_url")?).map_err(|fault: Untranslatable| fault.inside("image_url"))
}

/// A Chat `file` part as an Anthropic document.
pub fn document_from_chat(part: &mut Fields) -> Outcome<Map<String, Value>> {
    document(part.need_object("file")?).map_err(|fault| fault.inside("file"))
}

fn document(mut file: Fields) -> Outcome<Map<String, Value>> {
    let title = file.text("filename")?;
    let data = file.text("file_data")?;
    file.end(&[("file_id", never, NO_FILE_ID)])?;
    let data = data.as_deref().and_then(data_url).filter(|(media_type, _)| *media_type == PDF);
    let (_, data) = data.ok_or_else(|| Untranslatable::at("file_data", "send a PDF as a base64 data URL"))?;
    let source = json!({"type": "base64", "media_type": PDF, "data": data});
    let mut block = super::fields::object([("type", Value::from("document")), ("source", source)]);
    super::fields::set(&mut block, "title", title);
    Ok(block)
}

/// An Anthropic image block as a Chat `image_url` part.
pub fn image_to_chat(mut block: Fields) -> Outcome<Value> {
    let source = block.need_object("source")?;
    let url = image_url(source).map_err(|fault| fault.inside("source"))?;
    block.end(&[CACHE_CONTROL, ("transformations", is_empty, NO_COUNTERPART)])?;
    Ok(json!({"type": "image_url", "image_url": {"url": url}}))
}

fn image_url(mut source: Fields) -> Outcome<String> {
    let kind = source.need_text("type")?;
    let url = match kind.as_str() {
        "base64" => base64_url(&mut source)?,
        "url" => source.need_text("url")?,
        "file" => return Err(Untranslatable::at("file_id", NO_FILE_ID)),
        _ => return Err(Untranslatable::at("type", NO_COUNTERPART)),
    };
    source.end(&[])?;
    Ok(url)
}

fn base64_url(source: &mut Fields) -> Outcome<String> {
    let media_type = source.need_text("media_type")?;
    Ok(format!("data:{media_type};base64,{}", source.need_text("data")?))
}

/// An Anthropic document as a Chat part: a PDF as a file, plain text as text.
pub fn document_to_chat(mut block: Fields) -> Outcome<Value> {
    let source = block.need_object("source")?;
    let title = block.text("title")?;
    block.end(&[
        CACHE_CONTROL,
        ("context", is_empty, NO_COUNTERPART),
        ("citations", citations_off, "this provider cites no documents"),
    ])?;
    document_source(source, title).map_err(|fault| fault.inside("source"))
}

fn citations_off(citations: &Value) -> bool {
    citations.get("enabled").is_none_or(is_false)
}

fn document_source(mut source: Fields, title: Option<String>) -> Outcome<Value> {
    let part = match source.need_text("type")?.as_str() {
        "base64" => {
            let url = base64_url(&mut source)?;
            let filename = title.unwrap_or_else(|| "document.pdf".to_owned());
            json!({"type": "file", "file": {"filename": filename, "file_data": url}})
        }
        "text" => {
            let text = source.need_text("data")?;
            source.take("media_type");
            // A title is part of what the model reads, so it stays in front of its text.
            let text = title.map_or_else(|| text.clone(), |title| format!("{title}\n\n{text}"));
            json!({"type": "text", "text": text})
        }
        "file" => return Err(Untranslatable::at("file_id", NO_FILE_ID)),
        _ => return Err(Untranslatable::at("type", NO_COUNTERPART)),
    };
    source.end(&[])?;
    Ok(part)
}
