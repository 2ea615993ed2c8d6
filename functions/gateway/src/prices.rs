//! What models cost: list prices as a data file, each with its source and the day it was read. Pure arithmetic in millionths
//! of a dollar, always rounded up.

use std::sync::OnceLock;

use domain::ProviderKind;
use serde::Deserialize;

use crate::answer::Cached;

const DATA: &str = include_str!("../data/prices.toml");

/// A row of the file.
#[derive(Debug, Clone, Deserialize)]
struct Row {
    vendor: String,
    name: String,
    input_usd_per_mtok: f64,
    cached_input_usd_per_mtok: Option<f64>,
    /// The shortest that is kept, then longer ones: which of them a call asks for is not read, so the dearest counts.
    cache_write_usd_per_mtok: Option<f64>,
    cache_write_1h_usd_per_mtok: Option<f64>,
    cache_write_12h_usd_per_mtok: Option<f64>,
    /// Embeddings have no output.
    #[serde(default)]
    output_usd_per_mtok: f64,
    /// With more input than this, every token of the call costs what follows.
    above_input_tokens: Option<u64>,
    above_input_usd_per_mtok: Option<f64>,
    above_cached_input_usd_per_mtok: Option<f64>,
    above_cache_write_usd_per_mtok: Option<f64>,
    above_cache_write_1h_usd_per_mtok: Option<f64>,
    above_cache_write_12h_usd_per_mtok: Option<f64>,
    above_output_usd_per_mtok: Option<f64>,
    read: String,
    source: String,
}

#[derive(Debug, Deserialize)]
struct File {
    model: Vec<Row>,
}

/// What a model costs, and what it costs with a long input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    base: Rates,
    /// With more input than so many tokens.
    above: Option<(u64, Rates)>,
}

/// In millionths of a micro-dollar for a token, which is a dollar for a million tokens times a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rates {
    input: u64,
    cache_read: u64,
    cache_write: u64,
    output: u64,
}

const MILLION: f64 = 1_000_000.0;
/// A thousand dollars for a million tokens: no list has such a price.
const DEAREST_USD: f64 = 1_000.0;

/// `None` for what is no price.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked before")]
fn rate(usd: f64) -> Option<u64> {
    (0.0..=DEAREST_USD).contains(&usd).then(|| (usd * MILLION).round() as u64)
}

impl Row {
    fn price(&self) -> Option<Price> {
        let writes = [
            self.cache_write_usd_per_mtok,
            self.cache_write_1h_usd_per_mtok,
            self.cache_write_12h_usd_per_mtok,
        ];
        let base = Rates::of(
            self.input_usd_per_mtok,
            self.cached_input_usd_per_mtok,
            writes,
            self.output_usd_per_mtok,
        )?;
        Some(Price { base, above: self.above()? })
    }

    /// `None` for what is no price; a row without a threshold has none above it.
    fn above(&self) -> Option<Option<(u64, Rates)>> {
        let Some(threshold) = self.above_input_tokens else { return Some(None) };
        let writes = [
            self.above_cache_write_usd_per_mtok,
            self.above_cache_write_1h_usd_per_mtok,
            self.above_cache_write_12h_usd_per_mtok,
        ];
        let (input, output) = (self.above_input_usd_per_mtok?, self.above_output_usd_per_mtok?);
        let rates = Rates::of(input, self.above_cached_input_usd_per_mtok, writes, output)?;
        Some(Some((threshold, rates)))
    }
}

impl Rates {
    fn of(input: f64, cached: Option<f64>, writes: [Option<f64>; 3], output: f64) -> Option<Self> {
        let input = rate(input)?;
        let mut cache_write = input;
        for usd in writes.into_iter().flatten() {
            cache_write = cache_write.max(rate(usd)?);
        }
        let cache_read = cached.map_or(Some(input), rate)?;
        Some(Self { input, cache_read, cache_write, output: rate(output)? })
    }

    fn dearest(self) -> u64 {
        self.input.max(self.cache_read).max(self.cache_write)
    }
}

fn micros(parts: [(u64, u64); 4]) -> u64 {
    let sum = parts.into_iter().map(|(tokens, rate)| u128::from(tokens).saturating_mul(rate.into()));
    let sum = sum.fold(0, u128::saturating_add);
    u64::try_from(sum.div_ceil(1_000_000)).unwrap_or(u64::MAX).min(domain::MOST)
}

impl Price {
    fn rates(self, input: u64) -> Rates {
        self.above.filter(|(threshold, _)| input > *threshold).map_or(self.base, |(_, rates)| rates)
    }

    /// The most that so many tokens can cost: all input at its dearest rate. What may be long is held as long.
    pub fn worst(self, input: u64, output: u64) -> u64 {
        let (long, base) = (self.rates(input), self.base);
        let dearest = long.dearest().max(base.dearest());
        micros([(input, dearest), (output, long.output.max(base.output)), (0, 0), (0, 0)])
    }

    /// What they cost as the provider reports them. Cached input is part of the input.
    pub fn actual(self, input: u64, output: u64, cached: Cached) -> u64 {
        let read = cached.read.min(input);
        let written = cached.written.min(input - read);
        let fresh = input - read - written;
        let rates = self.rates(input);
        micros([
            (fresh, rates.input),
            (read, rates.cache_read),
            (written, rates.cache_write),
            (output, rates.output),
        ])
    }

    const fn sum(self) -> u64 {
        self.base.input.saturating_add(self.base.cache_write).saturating_add(self.base.output)
    }
}

/// All prices.
#[derive(Debug)]
pub struct Prices(Vec<(String, String, Price)>);

/// The file does not read, or a row of it is no price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the file of prices does not read: {0}")]
pub struct PricesError(String);

impl Prices {
    fn parse(text: &str) -> Result<Self, PricesError> {
        let file: File = toml::from_str(text).map_err(|error| PricesError(error.message().to_owned()))?;
        let row = |row: Row| {
            let sourced = !row.read.is_empty() && row.source.starts_with("https://");
            let price = row.price().filter(|_| sourced);
            let price = price.ok_or_else(|| PricesError(format!("{} {}", row.vendor, row.name)))?;
            Ok((row.vendor, row.name, price))
        };
        file.model.into_iter().map(row).collect::<Result<_, _>>().map(Self)
    }

    /// Those that are compiled in.
    ///
    /// # Errors
    /// They do not read: nothing must begin to serve with them.
    pub fn builtin() -> Result<&'static Self, &'static PricesError> {
        static BUILTIN: OnceLock<Result<Prices, PricesError>> = OnceLock::new();
        BUILTIN.get_or_init(|| Self::parse(DATA)).as_ref()
    }

    /// What a provider's model costs, by the name that the provider knows it by; a dated name costs what its model does.
    pub fn find(&self, kind: ProviderKind, model: &str) -> Option<Price> {
        self.named(kind, model).or_else(|| self.named(kind, undated(model)?))
    }

    /// The dearest of that name: behind any other server there may be any vendor.
    fn named(&self, kind: ProviderKind, model: &str) -> Option<Price> {
        // Azure's own rows are those of its data zones; its global deployments cost what OpenAI's own models do.
        let vendors: &[&str] = match kind {
            ProviderKind::OpenAi => &["openai"],
            ProviderKind::Azure => &["azure", "openai"],
            ProviderKind::Anthropic => &["anthropic"],
            ProviderKind::Compatible => &["openai", "azure", "anthropic"],
        };
        let wanted =
            |(of, name, _): &&(String, String, Price)| name == model && vendors.contains(&of.as_str());
        self.0.iter().filter(wanted).map(|(_, _, price)| *price).max_by_key(|price| price.sum())
    }
}

/// Without the date at its end: `-2024-08-06`, `-20250219`.
fn undated(model: &str) -> Option<&str> {
    let digits =
        |part: &str, count: usize| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit());
    let (before, last) = model.rsplit_once('-')?;
    if digits(last, 8) {
        return Some(before);
    }
    let (before, month) = before.rsplit_once('-').filter(|_| digits(last, 2))?;
    let (before, year) = before.rsplit_once('-').filter(|_| digits(month, 2))?;
    digits(year, 4).then_some(before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_row_is_a_price_with_a_source_and_a_date() {
        let file: File = toml::from_str(DATA).unwrap();
        let mut names = std::collections::BTreeSet::new();
        for row in &file.model {
            assert!(row.price().is_some() && row.source.starts_with("https://"), "{row:?}");
            assert!(
                domain::Timestamp::from_unix_millis(0).is_ok()
                    && row.read.starts_with("20")
                    && row.read.len() >= 7,
                "{row:?}"
            );
            assert!(names.insert((row.vendor.clone(), row.name.clone())), "twice: {row:?}");
        }
        assert!(
            Prices::builtin()
                .is_ok_and(|prices| prices.0.len() == file.model.len() && !file.model.is_empty())
        );
    }

    #[test]
    fn dated_names_cost_what_their_model_does() {
        let prices = Prices::builtin().unwrap();
        let find = |kind, model| prices.find(kind, model);
        let known = find(ProviderKind::OpenAi, "gpt-4o");
        assert!(known.is_some());
        assert_eq!(find(ProviderKind::OpenAi, "gpt-4o-1999-01-31"), known);
        let azure = find(ProviderKind::Azure, "gpt-4o-19990131");
        assert!(azure.is_some_and(|azure| azure.sum() >= known.unwrap().sum()), "its data zones cost more");
        assert_eq!(find(ProviderKind::Compatible, "gpt-4o"), azure);
        for unknown in ["gpt-4o-1999-01", "gpt-4o-x", "nobody", "", "-2024-08-06"] {
            assert_eq!(find(ProviderKind::OpenAi, unknown), None, "{unknown}");
        }
        assert_eq!(find(ProviderKind::Anthropic, "gpt-4o"), None);
    }

    #[test]
    fn a_price_is_rounded_up_once() {
        let price = row("input_usd_per_mtok = 0.075\ncached_input_usd_per_mtok = 0.0125");
        assert_eq!(price.actual(1, 0, Cached::default()), 1);
        assert_eq!(price.actual(1_000_000, 0, Cached::default()), 75_000);
        assert_eq!(price.actual(1_000_000, 1, Cached { read: 1_000_000, written: 0 }), 12_510);
        assert_eq!(price.worst(u64::MAX, u64::MAX), domain::MOST);
        assert!(rate(f64::NAN).is_none() && rate(-1.0).is_none());
    }

    fn row(fields: &str) -> Price {
        let text = format!(
            "vendor = \"v\"\nname = \"n\"\nread = \"2026\"\nsource = \"https://x\"\n{fields}\noutput_usd_per_mtok = 10.0"
        );
        toml::from_str::<Row>(&text).unwrap().price().unwrap()
    }

    /// Above its threshold a call costs more for every token of it.
    #[test]
    fn a_long_input_has_prices_of_its_own() {
        let price = row(
            "input_usd_per_mtok = 1.0\nabove_input_tokens = 1000\nabove_input_usd_per_mtok = 2.0\n\
                         above_output_usd_per_mtok = 20.0\ncache_write_usd_per_mtok = 1.25\ncache_write_1h_usd_per_mtok = 2.5",
        );
        let plain = |input, output| price.actual(input, output, Cached::default());
        assert_eq!((plain(1_000, 100), plain(1_001, 100)), (2_000, 4_002));
        assert_eq!(price.worst(1_000, 0), 2_500, "as if all were written to the dearest cache");
        assert_eq!(price.worst(2_000, 100), 7_000);
        let broken = "vendor = \"v\"\nname = \"n\"\nread = \"2026\"\nsource = \"https://x\"\ninput_usd_per_mtok = 1.0\n\
                      above_input_tokens = 5";
        assert!(toml::from_str::<Row>(broken).unwrap().price().is_none(), "a threshold without a price");
    }

    proptest! {
        /// Whatever is reported within the bounds, and however it is cached, costs no more than was held.
        #[test]
        fn the_worst_case_is_one(
            which in any::<prop::sample::Index>(), input in 0_u64..1 << 32, output in 0_u64..1 << 32,
            less in (0_u64..1 << 32, 0_u64..1 << 32), read in any::<u64>(), written in any::<u64>(),
        ) {
            let prices = &Prices::builtin().unwrap().0;
            let price = prices[which.index(prices.len())].2;
            let (used_input, used_output) = (input.saturating_sub(less.0), output.saturating_sub(less.1));
            let actual = price.actual(used_input, used_output, Cached { read, written });
            prop_assert!(actual <= price.worst(input, output));
        }
    }
}
