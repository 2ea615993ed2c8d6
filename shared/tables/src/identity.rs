//! Rows of sessions, connections, invitations and pending changes.

use std::collections::BTreeSet;

use domain::{
    AdminsRow, AskedAs, BreakGlassRow, ChangeRow, ConnectionRow, HandoffRow, InEpoch, OwnersRow, QueryRow,
    SessionClient, SessionId, SessionRow, Through, Timestamp, WorkloadRow,
};

use crate::codec::{Row, sealed};
use crate::gates::Update;
use crate::item::item;
use crate::{Attr, CodecError, Item, Key, Reader};

impl Row for SessionRow {
    fn to_item(&self) -> Item {
        let mut row = item([
            ("session_id", Attr::text(&self.id)),
            ("org_id", Attr::text(&self.org)),
            ("user_id", Attr::text(&self.user)),
            ("epoch", Attr::number(self.epoch)),
            ("client", Attr::text(self.client)),
            ("created_at", Attr::text(self.created_at)),
            ("seen_at", Attr::text(self.seen_at)),
            ("expires_at", Attr::text(self.expires_at)),
            ("mfa", Attr::Bool(self.mfa)),
        ]);
        row.extend(self.revoked_at.map(|at| ("revoked_at".to_owned(), Attr::text(at))));
        row.extend(self.root.as_ref().map(|id| ("root_id".to_owned(), Attr::text(id))));
        row.extend(self.handed.iter().map(|id| (format!("{HANDED}{id}"), Attr::Bool(true))));
        row.extend(self.sid.as_ref().map(|sid| ("sid_digest".to_owned(), Attr::text(sid))));
        let (name, id) = match &self.through {
            Through::Connection(id) => ("connection_id", Attr::text(id)),
            Through::Workload(id) => ("workload_id", Attr::text(id)),
        };
        row.insert(name.to_owned(), id);
        row
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            id: row.parse("session_id")?,
            org: row.parse("org_id")?,
            user: row.parse("user_id")?,
            epoch: row.number("epoch")?,
            through: match row.optional("workload_id")? {
                Some(id) => Through::Workload(id),
                None => Through::Connection(row.parse("connection_id")?),
            },
            // Older rows are browsers' without saying so.
            client: row.optional("client")?.unwrap_or(SessionClient::Browser),
            created_at: row.parse("created_at")?,
            seen_at: row.parse("seen_at")?,
            expires_at: row.parse("expires_at")?,
            mfa: row.flag("mfa")?,
            revoked_at: row.optional("revoked_at")?,
            root: row.optional("root_id")?,
            handed: handed(item)?,
            sid: row.optional("sid_digest")?,
        })
    }
}

/// A field for each session that one was handed over to, so that two at once are both noted.
const HANDED: &str = "handed#";

fn handed(item: &Item) -> Result<BTreeSet<SessionId>, CodecError> {
    let ids = item.keys().filter_map(|name| name.strip_prefix(HANDED));
    ids.map(|id| id.parse().map_err(|_| CodecError::Form("handed"))).collect()
}

/// Under which names a person and their epoch lie.
pub(crate) type Names = (&'static str, &'static str);

const OWNER: Names = ("owner_id", "owner_epoch");
pub(crate) const INVITER: Names = ("invited_by", "inviter_epoch");

pub(crate) fn in_epoch(one: &InEpoch, (user, epoch): Names) -> impl Iterator<Item = (String, Attr)> + use<> {
    let place = (user.to_owned(), Attr::text(&one.user));
    let count = one.epoch.map(|count| (epoch.to_owned(), Attr::number(count)));
    [place].into_iter().chain(count)
}

pub(crate) fn person_in_epoch(row: &Reader<'_>, (user, epoch): Names) -> Result<Option<InEpoch>, CodecError> {
    let Some(user) = row.optional(user)? else { return Ok(None) };
    let epoch = if row.has(epoch) { Some(row.number(epoch)?) } else { None };
    Ok(Some(InEpoch { user, epoch }))
}

impl Row for WorkloadRow {
    fn to_item(&self) -> Item {
        let mut row = item([
            ("workload_id", Attr::text(&self.id)),
            ("org_id", Attr::text(&self.org)),
            ("tenant_id", Attr::text(&self.tenant)),
            ("user_id", Attr::text(&self.user)),
            ("role", Attr::text(self.role)),
            ("status", Attr::text(self.status)),
            ("epoch", Attr::number(self.epoch)),
            ("federation", Attr::text(&self.federation)),
        ]);
        row.extend(self.owner.iter().flat_map(|owner| in_epoch(owner, OWNER)));
        row.extend(self.set_by.as_ref().map(|user| ("set_by".to_owned(), Attr::text(user))));
        row
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            id: row.parse("workload_id")?,
            org: row.parse("org_id")?,
            tenant: row.parse("tenant_id")?,
            user: row.parse("user_id")?,
            role: row.parse("role")?,
            status: row.parse("status")?,
            epoch: row.number("epoch")?,
            federation: row.parse("federation")?,
            owner: person_in_epoch(&row, OWNER)?,
            set_by: row.optional("set_by")?,
        })
    }
}

impl Row for HandoffRow {
    fn to_item(&self) -> Item {
        let mut row = item([
            ("session_id", Attr::text(&self.session)),
            ("challenge_sha256", Attr::text(&self.challenge)),
            ("client", Attr::text(self.client)),
            ("expires_at", Attr::text(self.expires_at)),
        ]);
        row.extend(self.used_at.map(|at| ("used_at".to_owned(), Attr::text(at))));
        row
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            session: row.parse("session_id")?,
            challenge: row.parse("challenge_sha256")?,
            client: row.parse("client")?,
            expires_at: row.parse("expires_at")?,
            used_at: row.optional("used_at")?,
        })
    }
}

impl Row for ConnectionRow {
    fn to_item(&self) -> Item {
        let mut row = item([
            ("connection_id", Attr::text(&self.id)),
            ("org_id", Attr::text(&self.org)),
            ("status", Attr::text(self.status)),
            ("document", Attr::text(&self.document)),
        ]);
        row.extend(
            self.secret.as_ref().map(|secret| ("secret".to_owned(), Attr::B(secret.as_bytes().to_vec()))),
        );
        row
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            id: row.parse("connection_id")?,
            org: row.parse("org_id")?,
            status: row.parse("status")?,
            document: row.parse("document")?,
            secret: if row.has("secret") { Some(sealed(&row, "secret")?) } else { None },
        })
    }
}

impl Row for BreakGlassRow {
    fn to_item(&self) -> Item {
        let mut row = item([
            ("user_id", Attr::text(&self.user)),
            ("reason", Attr::text(&self.reason)),
            ("confirmed_by", Attr::text(&self.confirmed_by)),
            ("expires_at", Attr::text(self.expires_at)),
        ]);
        row.extend(self.id.as_ref().map(|id| ("change_id".to_owned(), Attr::text(id))));
        row
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            id: row.optional("change_id")?,
            user: row.parse("user_id")?,
            reason: row.parse("reason")?,
            confirmed_by: row.parse("confirmed_by")?,
            expires_at: row.parse("expires_at")?,
        })
    }
}

impl Row for OwnersRow {
    fn to_item(&self) -> Item {
        item([("owners", Attr::texts(&self.0))])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        Ok(Self(Reader::new(item)?.texts("owners")?))
    }
}

impl Row for AdminsRow {
    fn to_item(&self) -> Item {
        item([("admins", Attr::texts(&self.admins)), ("seconded", Attr::Bool(self.seconded))])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self { admins: row.texts("admins")?, seconded: row.flag("seconded")? })
    }
}

impl Row for ChangeRow {
    fn to_item(&self) -> Item {
        let mut row = item([
            ("change_id", Attr::text(&self.id)),
            ("operation", Attr::text(&self.operation)),
            ("path", Attr::text(&self.path)),
            ("body", Attr::text(&self.body)),
            ("requested_by", Attr::text(&self.by)),
            ("requested_at", Attr::text(self.at)),
            ("expires_at", Attr::text(self.expires_at)),
            ("state", Attr::text(self.state)),
        ]);
        row.extend(self.seen.as_ref().map(|seen| ("seen_digest".to_owned(), Attr::text(seen))));
        if let Some(AskedAs { org, epoch, connection }) = &self.asked_as {
            row.insert("requester_org".to_owned(), Attr::text(org));
            row.insert("requester_epoch".to_owned(), Attr::number(*epoch));
            row.insert("requester_connection".to_owned(), Attr::text(connection));
        }
        row
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            id: row.parse("change_id")?,
            operation: row.parse("operation")?,
            path: row.parse("path")?,
            body: row.parse("body")?,
            seen: row.optional("seen_digest")?,
            by: row.parse("requested_by")?,
            asked_as: match row.optional("requester_org")? {
                Some(org) => Some(AskedAs {
                    org,
                    epoch: row.number("requester_epoch")?,
                    connection: row.parse("requester_connection")?,
                }),
                None => None,
            },
            at: row.parse("requested_at")?,
            expires_at: row.parse("expires_at")?,
            state: row.parse("state")?,
        })
    }
}

impl Row for QueryRow {
    fn to_item(&self) -> Item {
        item([
            ("query_id", Attr::text(&self.id)),
            ("execution_id", Attr::text(&self.execution)),
            ("question_digest", Attr::text(&self.question)),
            ("asked_by", Attr::text(&self.by)),
            ("own", Attr::Bool(self.own)),
            ("expires_at", Attr::text(self.expires_at)),
        ])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            id: row.parse("query_id")?,
            execution: row.parse("execution_id")?,
            question: row.parse("question_digest")?,
            by: row.parse("asked_by")?,
            own: row.flag("own")?,
            expires_at: row.parse("expires_at")?,
        })
    }
}

/// Ends a session, whatever else is written to its row at the moment. Ending it again keeps the first moment.
pub fn end_session(id: &SessionId, now: Timestamp) -> Update {
    Update {
        key: Key::session(id),
        update: "SET revoked_at = if_not_exists(revoked_at, :now)",
        condition: Some("attribute_exists(pk)"),
        names: Vec::new(),
        values: vec![(":now", Attr::text(now))],
    }
}

/// Notes in a session's row what it is handed over to, while it has not ended. Whichever comes first, the other sees it.
pub fn hand_over(root: &SessionId, child: &SessionId) -> Update {
    Update {
        key: Key::session(root),
        update: "SET #child = :yes",
        condition: Some("attribute_exists(pk) AND attribute_not_exists(revoked_at)"),
        names: vec![("#child", format!("{HANDED}{child}"))],
        values: vec![(":yes", Attr::Bool(true))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::evaluate;
    use crate::testing::reads_back;
    use domain::{
        ChangeId, ChangeState, Code, ConnectionId, Lifecycle, Opaque, OrgId, QueryId, Role, SealedBytes,
        TenantId, UserId, WorkloadId,
    };

    #[test]
    fn rows_of_other_ways_in_read_back_too() {
        let at = Timestamp::from_unix_millis(1_790_000_000_123).unwrap();
        let (org, user) = (OrgId::from_random([1; 10]), UserId::from_random([2; 10]));
        reads_back(
            HandoffRow {
                session: SessionId::from_random([4; 10]),
                challenge: Opaque::from_digest(&[7; 32]),
                client: SessionClient::Command,
                expires_at: at,
                used_at: Some(at),
            },
            &["used_at"],
        );
        reads_back(
            WorkloadRow {
                id: WorkloadId::from_random([6; 10]),
                org,
                tenant: TenantId::from_random([5; 10]),
                user,
                role: Role::Operator,
                status: Lifecycle::Active,
                epoch: 2,
                federation: "{}".to_owned(),
                owner: Some(InEpoch::new(UserId::from_random([8; 10]), 3)),
                set_by: Some(UserId::from_random([9; 10])),
            },
            &["owner_id", "owner_epoch", "set_by"],
        );
    }

    #[test]
    fn a_session_reads_back() {
        let at = Timestamp::from_unix_millis(1_790_000_000_123).unwrap();
        reads_back(
            SessionRow {
                id: SessionId::from_random([4; 10]),
                org: OrgId::from_random([1; 10]),
                user: UserId::from_random([2; 10]),
                epoch: 3,
                through: Through::Connection(ConnectionId::from_random([3; 10])),
                client: SessionClient::Command,
                created_at: at,
                seen_at: at,
                expires_at: at,
                mfa: true,
                revoked_at: Some(at),
                root: Some(SessionId::from_random([8; 10])),
                handed: [SessionId::from_random([9; 10])].into(),
                sid: Some(Opaque::from_digest(&[2; 32])),
            },
            &[
                "revoked_at",
                "client",
                "root_id",
                &format!("handed#{}", SessionId::from_random([9; 10])),
                "sid_digest",
            ],
        );
    }

    #[test]
    fn every_row_reads_back_and_names_what_is_missing() {
        let at = Timestamp::from_unix_millis(1_790_000_000_123).unwrap();
        let (org, user) = (OrgId::from_random([1; 10]), UserId::from_random([2; 10]));
        let connection = ConnectionId::from_random([3; 10]);
        reads_back(
            ConnectionRow {
                id: connection.clone(),
                org: org.clone(),
                status: Lifecycle::Active,
                document: "{}".to_owned(),
                secret: SealedBytes::from_sealed_form([b"CSE1".as_slice(), &[0; 90]].concat()).ok(),
            },
            &["secret"],
        );
        reads_back(OwnersRow([user.clone()].into()), &[]);
        reads_back(
            BreakGlassRow {
                id: Some(ChangeId::from_random([6; 10])),
                user: user.clone(),
                reason: Code::literal("case_4711"),
                confirmed_by: UserId::from_random([7; 10]),
                expires_at: at,
            },
            &["change_id"],
        );
        reads_back(
            ChangeRow {
                id: ChangeId::from_random([6; 10]),
                operation: Code::literal("limits.put"),
                path: "/v1/tenants/ten_0/limits".to_owned(),
                body: "{}".to_owned(),
                seen: "a1".parse().ok(),
                by: user.clone(),
                asked_as: Some(AskedAs {
                    org: OrgId::from_random([1; 10]),
                    epoch: 4,
                    connection: ConnectionId::from_random([3; 10]),
                }),
                at,
                expires_at: at,
                state: ChangeState::Pending,
            },
            &["seen_digest", "requester_org"],
        );
    }

    /// A session that ends and one that is handed over from it, in either order.
    #[test]
    fn nothing_is_handed_over_by_a_session_that_has_ended() {
        let at = Timestamp::from_unix_millis(1_790_000_000_123).unwrap();
        let root = SessionRow {
            id: SessionId::from_random([4; 10]),
            org: OrgId::from_random([1; 10]),
            user: UserId::from_random([2; 10]),
            epoch: 3,
            through: Through::Connection(ConnectionId::from_random([3; 10])),
            client: SessionClient::Browser,
            created_at: at,
            seen_at: at,
            expires_at: at,
            mfa: true,
            revoked_at: None,
            root: None,
            handed: BTreeSet::new(),
            sid: None,
        };
        let mut item = root.to_item();
        item.insert("pk".to_owned(), Attr::text("p"));
        let (one, other) = (SessionId::from_random([5; 10]), SessionId::from_random([6; 10]));
        let (end, over) = (end_session(&root.id, at).into(), |id| hand_over(&root.id, id).into());
        let ended = evaluate(&end, Some(&item)).unwrap();
        assert!(evaluate(&over(&one), Some(&ended)).is_err());
        assert!(evaluate(&over(&one), None).is_err(), "nor by one that is gone");
        let twice = evaluate(&over(&other), Some(&evaluate(&over(&one), Some(&item)).unwrap())).unwrap();
        let read = SessionRow::from_item(&evaluate(&end, Some(&twice)).unwrap()).unwrap();
        assert_eq!((read.handed, read.revoked_at), ([one, other].into(), Some(at)));
    }

    #[test]
    fn a_question_and_who_administers_read_back() {
        reads_back(AdminsRow { admins: [UserId::from_random([2; 10])].into(), seconded: true }, &[]);
        reads_back(
            QueryRow {
                id: QueryId::from_random([8; 10]),
                execution: "5f3c0a52-4f0e-4d0b-9a3e-0123456789ab".parse().unwrap(),
                question: Opaque::from_digest(&[9; 32]),
                by: UserId::from_random([2; 10]),
                own: true,
                expires_at: Timestamp::from_unix_millis(1_790_000_000_123).unwrap(),
            },
            &[],
        );
    }
}
