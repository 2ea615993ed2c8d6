//! Configuration: what is probed and watched, by names and addresses. No secret is ever in a variable.

use std::str::FromStr;

use aws::{AuditConfig, BadConfig, TableNames, Vars};
use domain::Region;
use egress::{Reach, Target};
use tables::Table;

#[derive(Debug, Clone)]
pub struct Config {
    pub region: Region,
    /// `cs-<stage>-<region>`: what metrics are told apart by.
    pub stack: String,
    pub reach: Reach,
    pub tables: TableNames,
    pub audit: AuditConfig,
    pub kms_key_arn: String,
    /// The gateway's own address, as its callers use it.
    pub gateway: Target,
    pub watched: Watched,
    /// How often the clock asks, in milliseconds.
    pub interval_ms: u64,
}

/// What is looked at from within.
#[derive(Debug, Clone)]
pub struct Watched {
    pub tables: Vec<String>,
    /// ARNs of keys.
    pub keys: Vec<String>,
    /// By what alarms call them.
    pub queues: Vec<Named>,
    pub dead_letters: Vec<Named>,
    pub locked_bucket: String,
    pub derived_bucket: String,
    pub lock: Lock,
    /// Addresses that the deployment brings itself, whose certificates it renews. Those of function URLs are AWS's.
    pub addresses: Vec<Target>,
}

/// A queue's short name and its URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub name: String,
    pub url: String,
}

/// What the locked bucket keeps by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    pub mode: String,
    pub days: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadVariable;

/// Texts between commas; at least one.
struct List(Vec<String>);

impl FromStr for List {
    type Err = BadVariable;

    fn from_str(text: &str) -> Result<Self, BadVariable> {
        let all: Vec<_> = text.split(',').map(str::trim).map(str::to_owned).collect();
        if all.iter().any(String::is_empty) { Err(BadVariable) } else { Ok(Self(all)) }
    }
}

/// Base URLs between commas, or `none`.
struct Addresses(Vec<String>);

impl FromStr for Addresses {
    type Err = BadVariable;

    fn from_str(text: &str) -> Result<Self, BadVariable> {
        if text == "none" { Ok(Self(Vec::new())) } else { text.parse().map(|List(all)| Self(all)) }
    }
}

impl Addresses {
    fn targets(&self, reach: Reach) -> Option<Vec<Target>> {
        self.0.iter().map(|url| Target::parse(url, reach).ok()).collect()
    }
}

/// `name=url` between commas.
struct Queues(Vec<Named>);

impl FromStr for Queues {
    type Err = BadVariable;

    fn from_str(text: &str) -> Result<Self, BadVariable> {
        let named = |part: &String| {
            let (name, url) = part.split_once('=')?;
            Some(Named { name: name.to_owned(), url: url.to_owned() })
        };
        let List(parts) = text.parse()?;
        parts.iter().map(named).collect::<Option<_>>().map(Self).ok_or(BadVariable)
    }
}

impl FromStr for Lock {
    type Err = BadVariable;

    fn from_str(text: &str) -> Result<Self, BadVariable> {
        let (mode, days) = text.split_once(':').ok_or(BadVariable)?;
        Ok(Self { mode: mode.to_owned(), days: days.parse().map_err(|_| BadVariable)? })
    }
}

/// Whole minutes, 1 to 5.
struct Minutes(u64);

impl FromStr for Minutes {
    type Err = BadVariable;

    fn from_str(text: &str) -> Result<Self, BadVariable> {
        text.parse().ok().filter(|minutes| (1..=5).contains(minutes)).map(Self).ok_or(BadVariable)
    }
}

const TABLES: [Table; 4] = [Table::Control, Table::Gates, Table::Keys, Table::Status];

impl Config {
    /// # Errors
    /// Every missing or malformed variable, at once.
    pub fn from_vars(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, BadConfig> {
        let mut vars = Vars::new(get);
        let region: Option<Region> = vars.require("CS_REGION", "il, eu or us");
        let stage: Option<String> = vars.require("CS_STAGE", "the stage, such as production");
        let tables = TableNames::from_vars(&mut vars, &TABLES);
        let code = vars.require("CS_CODE_SHA256", "64 hexadecimal characters");
        let audit = AuditConfig::from_vars(&mut vars, "health", region, code);
        let key = vars.require("CS_KMS_KEY_ARN", "the ARN of the region's KMS key");
        let gateway: Option<String> = vars.require("CS_GATEWAY_URL", "the gateway's address");
        let minutes: Option<Minutes> = vars.require("CS_INTERVAL_MINUTES", "whole minutes, 1 to 5");
        let reach = stage.as_deref().map(Reach::of_stage);
        let watched = Watched::from_vars(&mut vars, reach.unwrap_or(Reach::Public));
        let target = gateway.zip(reach).and_then(|(url, reach)| Target::parse(&url, reach).ok());
        let config = (|| {
            let (region, stage) = (region?, stage?);
            Some(Self {
                region,
                stack: format!("cs-{stage}-{region}"),
                reach: reach?,
                tables: tables?,
                audit: audit?,
                kms_key_arn: key?,
                gateway: target?,
                watched: watched?,
                interval_ms: minutes?.0 * 60_000,
            })
        })();
        vars.finish(config)
    }
}

impl Watched {
    fn from_vars(vars: &mut Vars<'_>, reach: Reach) -> Option<Self> {
        let tables: Option<List> = vars.require("CS_WATCH_TABLES", "names of tables, by commas");
        let keys: Option<List> = vars.require("CS_WATCH_KEYS", "ARNs of keys, by commas");
        let queues: Option<Queues> = vars.require("CS_WATCH_QUEUES", "name=url, by commas");
        let dead: Option<Queues> = vars.require("CS_WATCH_DEAD_LETTERS", "name=url, by commas");
        let locked = vars.require("CS_BUCKET_LOCKED", "the locked bucket's name");
        let derived = vars.require("CS_BUCKET_DERIVED", "the derived bucket's name");
        let lock = vars.require("CS_LOCK", "mode and days, such as COMPLIANCE:365");
        let addresses: Option<Addresses> = vars.require("CS_WATCH_ADDRESSES", "addresses by commas, or none");
        Some(Self {
            addresses: addresses?.targets(reach)?,
            tables: tables?.0,
            keys: keys?.0,
            queues: queues?.0,
            dead_letters: dead?.0,
            locked_bucket: locked?,
            derived_bucket: derived?,
            lock: lock?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str) -> Option<String> {
        let text = match name {
            "CS_REGION" => "eu",
            "CS_STAGE" => "prod",
            "CS_CODE_SHA256" => return Some("0".repeat(64)),
            "CS_GATEWAY_URL" => "https://abc.lambda-url.eu-central-1.on.aws/",
            "CS_INTERVAL_MINUTES" => "5",
            "CS_WATCH_TABLES" => "cs-prod-eu-control, cs-prod-eu-kill",
            "CS_WATCH_QUEUES" => "audit=https://sqs/audit,lifecycle=https://sqs/lifecycle?x=1",
            "CS_WATCH_DEAD_LETTERS" => "audit-dlq=https://sqs/audit-dlq",
            "CS_LOCK" => "COMPLIANCE:365",
            "CS_WATCH_ADDRESSES" => "https://admin.example.com,https://approvals.example.com",
            _ => "some-name",
        };
        Some(text.to_owned())
    }

    #[test]
    fn names_and_addresses_are_read() {
        let config = Config::from_vars(&variable).unwrap();
        assert_eq!((config.stack.as_str(), config.interval_ms), ("cs-prod-eu", 300_000));
        assert_eq!(config.watched.tables, ["cs-prod-eu-control", "cs-prod-eu-kill"]);
        assert_eq!(config.watched.queues[1].url, "https://sqs/lifecycle?x=1");
        let hosts: Vec<_> = config.watched.addresses.iter().map(Target::host).collect();
        assert_eq!(hosts, ["admin.example.com", "approvals.example.com"]);
        assert_eq!(config.watched.lock, Lock { mode: "COMPLIANCE".to_owned(), days: 365 });
    }

    #[test]
    fn a_deployment_need_not_bring_addresses() {
        let get = |name: &str| {
            if name == "CS_WATCH_ADDRESSES" { Some("none".to_owned()) } else { variable(name) }
        };
        assert!(Config::from_vars(&get).unwrap().watched.addresses.is_empty());
    }

    #[test]
    fn all_that_is_missing_is_told_at_once() {
        let error = Config::from_vars(&|name| (name == "CS_REGION").then(|| "mars".to_owned())).unwrap_err();
        for name in ["CS_REGION is not", "CS_TABLE_STATUS", "CS_WATCH_KEYS", "CS_LOCK", "CS_GATEWAY_URL"] {
            assert!(error.to_string().contains(name), "{name}: {error}");
        }
        for (name, bad) in [
            ("CS_INTERVAL_MINUTES", "10"),
            ("CS_WATCH_QUEUES", "audit"),
            ("CS_WATCH_TABLES", "a,,b"),
            ("CS_LOCK", "365"),
            ("CS_GATEWAY_URL", "http://127.0.0.1"),
            ("CS_WATCH_ADDRESSES", "http://127.0.0.1"),
        ] {
            let get = |asked: &str| if asked == name { Some(bad.to_owned()) } else { variable(asked) };
            assert!(Config::from_vars(&get).is_err(), "{name}");
        }
    }
}
