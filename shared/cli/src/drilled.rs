//! `countersign ops drilled`: keeps what a drill came to that was held with other tools than this command: in the tenant's log, and
//! where `health` looks whether one is overdue.

use std::error::Error;
use std::str::FromStr;

use aws::Dynamo;
use domain::{Code, DrillKind, DrillRow, EventType, Metadata};
use tables::status;

use crate::args;
use crate::keys::KeysError;
use crate::ops::{Bench, Told};
use crate::print;

type Get<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// What was measured: a name and a count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    name: Code,
    count: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a figure: write NAME=COUNT, such as drain_ms=1200")]
pub struct NoFigure;

impl FromStr for Figure {
    type Err = NoFigure;

    fn from_str(text: &str) -> Result<Self, NoFigure> {
        let (name, count) = text.split_once('=').ok_or(NoFigure)?;
        Ok(Self { name: name.parse().map_err(|_| NoFigure)?, count: count.parse().map_err(|_| NoFigure)? })
    }
}

pub async fn run(get: Get<'_>, wanted: args::Drilled) -> Result<(), Box<dyn Error>> {
    let bench = Bench::open(get, &wanted.tenant).await?;
    let metadata = Metadata::default().flag("passed", !wanted.failed).count("millis", wanted.millis);
    let told = Told {
        event: event(wanted.kind),
        action: "drill.kept",
        description: "An operator held a drill, and keeps what it came to.",
        resource: format!("drill:{}", wanted.kind),
        subject: None,
        metadata: wanted
            .figures
            .iter()
            .fold(metadata, |metadata, one| metadata.count(one.name.as_str(), one.count)),
    };
    let work = keep(&bench.store, wanted.kind, !wanted.failed, wanted.millis);
    bench.recorded(told, work, |metadata, ()| metadata).await?;
    print::line("the drill is kept")
}

const fn event(kind: DrillKind) -> EventType {
    match kind {
        DrillKind::Kill => EventType::DrillKill,
        DrillKind::Provider => EventType::DrillProvider,
        DrillKind::Writer => EventType::DrillWriter,
        DrillKind::Restore => EventType::DrillRestore,
    }
}

/// Where `health` looks.
///
/// # Errors
/// The table did not confirm.
pub async fn keep(store: &Dynamo, kind: DrillKind, passed: bool, millis: u64) -> Result<(), KeysError> {
    let row = DrillRow { kind, at: aws::now(), passed, millis };
    store.update(status::drilled(&row)).await.map_err(|_| KeysError::NotWritten)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_a_code_and_a_count() {
        let figure = |text: &str| text.parse::<Figure>();
        assert_eq!(figure("drain_ms=12"), Ok(Figure { name: Code::literal("drain_ms"), count: 12 }));
        for bad in ["drain_ms", "drain_ms=", "=1", "Drain=1", "a=-1", "a=1.5"] {
            assert_eq!(figure(bad), Err(NoFigure), "{bad}");
        }
    }
}
