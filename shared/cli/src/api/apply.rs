//! `countersign apply`: a file, what there is, the difference, a yes, and the writes.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::Path;

use egress::Reach;
use serde_json::{Value, json};

use super::Get;
use super::desk::{Desk, Done};
use super::diff::{self, Plan};
use super::execute::{Ended, Work, told};
use super::fault::Fault;
use super::manifest::{self, Manifest};
use super::model::Step;
use super::present;
use super::show;
use crate::args::api::Apply;
use crate::print;

pub async fn run(get: Get<'_>, wanted: Apply) -> Done {
    let reach = get("CS_STAGE").map_or(Reach::Public, |stage| Reach::of_stage(&stage));
    let manifest = read(&wanted.file, reach)?;
    let mut desk = Desk::seated(get, &wanted.seat)?;
    let org = match (&manifest.org, &wanted.org) {
        (Some(file), Some(said)) if file != said => {
            return Err(Fault::Usage("the file is for another organization than --org".to_owned()));
        }
        (Some(org), _) | (None, Some(org)) => org.clone(),
        (None, None) => desk.org().await?,
    };
    let (model, ids) = present::read(&mut desk.api, &org, &manifest).await?;
    let plan = diff::plan(&model, &manifest).map_err(|error| Fault::failed(error.to_string()))?;
    let lines = diff::lines(&model, &plan);
    if plan.steps.is_empty() {
        lines.iter().for_each(|line| print::progress(line));
        print::progress("nothing to change");
        return summary(&desk, &[]);
    }
    if desk.is_json() {
        lines.iter().for_each(|line| print::progress(line))
    } else {
        show::print_lines(&lines)?
    }
    if wanted.dry_run || !agreed(&wanted, &plan)? {
        print::progress("nothing was written");
        return Ok(());
    }
    let json = desk.is_json();
    let work = Work { get, api: &mut desk.api, org, model, ids };
    written(work, &plan.steps, json).await
}

fn read(file: &Path, reach: Reach) -> Result<Manifest, Fault> {
    let named = |what: String| Fault::failed(format!("{}: {what}", file.display()));
    let size = std::fs::metadata(file).map_err(|error| named(error.to_string()))?.len();
    if size > manifest::BYTES_MAX {
        return Err(named(format!("longer than {} bytes", manifest::BYTES_MAX)));
    }
    let text = std::fs::read_to_string(file).map_err(|error| named(error.to_string()))?;
    manifest::parse(&text, reach).map_err(|error| named(error.to_string()))
}

/// Whether to go on: said beforehand, or now by whoever sits at a terminal.
fn agreed(wanted: &Apply, plan: &Plan) -> Result<bool, Fault> {
    if wanted.yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        return Err(Fault::failed("nobody is there to agree: look at the difference, and give --yes"));
    }
    print::progress(&format!("Write these {} changes? yes or no:", plan.steps.len()));
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    Ok(read.is_ok() && matches!(line.trim(), "yes" | "y"))
}

async fn written(mut work: Work<'_>, steps: &[Step], json: bool) -> Done {
    let mut done = Vec::new();
    for (n, step) in steps.iter().enumerate() {
        let ended = work.step(step).await.map_err(|fault| partly(fault, n, steps.len()))?;
        print::progress(&told(step, &ended, &work.ids));
        done.push((step, ended));
    }
    let waiting = done.iter().filter(|(_, ended)| *ended != Ended::Written).count();
    print::progress(&format!("{} written, {waiting} for a second person", done.len() - waiting));
    if json { show::print_line(&outcome(&done).to_string()) } else { Ok(()) }
}

/// A fault in the middle says how far it came; what was written is not written again.
fn partly(fault: Fault, done: usize, all: usize) -> Fault {
    Fault::failed(format!(
        "{fault}\n  {done} of {all} changes went before it: the next apply goes on from there"
    ))
}

fn outcome(done: &[(&Step, Ended)]) -> Value {
    let count = |is: fn(&Ended) -> bool| done.iter().filter(|(_, ended)| is(ended)).count();
    let waiting: Vec<_> = done
        .iter()
        .filter_map(|(_, ended)| match ended {
            Ended::Waits(id) | Ended::WaitedBefore(id) => Some(id),
            Ended::Written => None,
        })
        .collect();
    json!({"written": count(|ended| *ended == Ended::Written), "waiting": waiting})
}

fn summary(desk: &Desk, done: &[(&Step, Ended)]) -> Done {
    if desk.is_json() { show::print_line(&outcome(done).to_string()) } else { Ok(()) }
}
