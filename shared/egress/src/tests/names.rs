//! Names: checked, pinned, checked again.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use futures_util::FutureExt as _;

use super::server::{Server, Step, response};
use super::{config, lookup, post};
use crate::resolver::{Lookup, ResolveError, Resolver};
use crate::{Client, EgressError, NotSent, Reach, Target};

async fn resolve(answers: &'static [&'static [&'static str]]) -> Result<Vec<IpAddr>, ResolveError> {
    Resolver::new(Reach::Public, lookup(answers)).addresses("provider.test").await
}

#[tokio::test]
async fn public_answers_are_returned_as_found() {
    let found = resolve(&[&["104.18.7.192", "2606:4700::6812:7c0"]]).await.unwrap();
    let expected: [IpAddr; 2] = ["104.18.7.192".parse().unwrap(), "2606:4700::6812:7c0".parse().unwrap()];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn one_address_that_is_not_public_refuses_the_name() {
    const REFUSED: [&[&[&str]]; 6] = [
        &[&["127.0.0.1"]],
        &[&["8.8.8.8", "10.0.0.1"]],
        &[&["10.0.0.1", "8.8.8.8"]],
        &[&["2606:4700::1", "::ffff:169.254.169.254"]],
        &[&["64:ff9b::a9fe:a9fe"]],
        &[&["fd00:ec2::254"]],
    ];
    for answers in REFUSED {
        assert_eq!(resolve(answers).await, Err(ResolveError::Refused), "{answers:?}");
    }
    assert_eq!(resolve(&[&[]]).await, Err(ResolveError::Failed), "a name without addresses");
}

#[tokio::test]
async fn a_name_that_changes_its_answer_is_checked_at_every_question() {
    let resolver = Resolver::new(Reach::Public, lookup(&[&["8.8.8.8"], &["127.0.0.1"]]));
    assert!(resolver.addresses("rebind.test").await.is_ok());
    assert_eq!(resolver.addresses("rebind.test").await, Err(ResolveError::Refused));
}

#[tokio::test]
async fn localhost_is_never_asked_of_dns() {
    let unreachable: Lookup = Arc::new(|name| panic!("asked for {name}"));
    let local = Resolver::new(Reach::Loopback, Arc::clone(&unreachable));
    let public = Resolver::new(Reach::Public, unreachable);
    for name in ["localhost", "LOCALHOST", "a.localhost"] {
        let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        assert_eq!(local.addresses(name).await.unwrap(), loopback);
        assert_eq!(public.addresses(name).await, Err(ResolveError::Refused));
    }
}

/// A listening server on loopback and a name that leads to it: no connection is made, on either stage.
#[tokio::test]
async fn a_name_that_leads_inside_gets_no_connection() {
    let server = Server::start(Step::Send(response("200 OK", "", "{}"))).await;
    for reach in [Reach::Public, Reach::Loopback] {
        let client = Client::with_lookup(&config(reach), lookup(&[&["127.0.0.1"]])).unwrap();
        let target = Target::parse(&format!("https://provider.test:{}/v1", server.port), reach).unwrap();
        let error = post(&client, &target).await.unwrap_err();
        assert_eq!(error, EgressError::NotSent(NotSent::Address));
    }
    assert_eq!(server.requests().len(), 0);
}

/// Check and use are one: the connection goes to what the resolver answered, asked once. (`a.localhost` is the one
/// name that may lead to this machine.)
#[tokio::test]
async fn a_connection_goes_to_the_checked_addresses() {
    let server = Server::start(Step::Send(response("200 OK", "", "{}"))).await;
    let never: Lookup = Arc::new(|name| panic!("asked for {name}"));
    let client = Client::with_lookup(&config(Reach::Loopback), never).unwrap();
    let target = Target::parse(&format!("http://a.localhost:{}/v1", server.port), Reach::Loopback).unwrap();
    assert_eq!(post(&client, &target).await.unwrap().status, 200);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_name_that_cannot_be_resolved_is_not_sent() {
    let broken: Lookup = Arc::new(|_| async { Err(std::io::Error::other("no such name")) }.boxed());
    let client = Client::with_lookup(&config(Reach::Public), broken).unwrap();
    let target = Target::parse("https://provider.test/v1", Reach::Public).unwrap();
    assert_eq!(post(&client, &target).await.unwrap_err(), EgressError::NotSent(NotSent::Dns));
}

/// A target that was parsed for the local stage is refused by a public client, before anything is opened.
#[tokio::test]
async fn a_local_target_is_refused_elsewhere() {
    let server = Server::start(Step::Send(response("200 OK", "", "{}"))).await;
    let client = Client::new(&config(Reach::Public)).unwrap();
    let error = post(&client, &super::local(server.port)).await.unwrap_err();
    assert_eq!(error, EgressError::NotSent(NotSent::Address));
    assert_eq!(server.requests().len(), 0);
}
