//! The templates: one policy each, which an auditor reads, asked about one gate and one action at a time.

use std::sync::LazyLock;

use cedar_policy::{
    Authorizer, Context, Effect, Entities, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression, Schema,
};

use super::decide::Asking;

/// A common risk, as a policy in `gate/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Template {
    Payments,
    Deletion,
    ExternalEmail,
    Production,
    DataExport,
    OutsideHours,
    Any,
}

impl Template {
    pub const ALL: [Self; 7] = [
        Self::Payments,
        Self::Deletion,
        Self::ExternalEmail,
        Self::Production,
        Self::DataExport,
        Self::OutsideHours,
        Self::Any,
    ];

    /// The name in documents, of its file and of its action in Cedar.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payments => "payments",
            Self::Deletion => "deletion",
            Self::ExternalEmail => "external_email",
            Self::Production => "production",
            Self::DataExport => "data_export",
            Self::OutsideHours => "outside_hours",
            Self::Any => "any",
        }
    }

    /// The policy, as an auditor reads it.
    pub const fn cedar(self) -> &'static str {
        match self {
            Self::Payments => include_str!("../../gate/payments.cedar"),
            Self::Deletion => include_str!("../../gate/deletion.cedar"),
            Self::ExternalEmail => include_str!("../../gate/external_email.cedar"),
            Self::Production => include_str!("../../gate/production.cedar"),
            Self::DataExport => include_str!("../../gate/data_export.cedar"),
            Self::OutsideHours => include_str!("../../gate/outside_hours.cedar"),
            Self::Any => include_str!("../../gate/any.cedar"),
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }
}

pub(super) const SCHEMA: &str = include_str!("../../gate/schema.cedarschema");

/// What a template is told: the gate's limits, and what is known of the action.
#[derive(Default)]
pub(super) struct Terms {
    pub fact: Vec<(&'static str, RestrictedExpression)>,
    pub limit: Vec<(&'static str, RestrictedExpression)>,
}

/// A decision that could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

pub(super) struct Templates {
    schema: Schema,
    sets: Vec<(Template, PolicySet)>,
}

static BUILTIN: LazyLock<Option<Templates>> = LazyLock::new(Templates::read);

impl Templates {
    /// Those of this version, read once; none only in a build that was not tested.
    pub fn builtin() -> Option<&'static Self> {
        BUILTIN.as_ref()
    }

    fn read() -> Option<Self> {
        let (schema, _) = Schema::from_cedarschema_str(SCHEMA).ok()?;
        let set = |one: Template| {
            let set: PolicySet = one.cedar().parse().ok()?;
            let alone = set.num_of_policies() == 1 && set.num_of_templates() == 0;
            let forbids = set.policies().all(|policy| policy.effect() == Effect::Forbid);
            (alone && forbids).then_some((one, set))
        };
        let sets = Template::ALL.into_iter().map(set).collect::<Option<_>>()?;
        Some(Self { schema, sets })
    }

    /// Whether the template stops the action under these terms.
    pub fn stops(&self, template: Template, ask: &Asking<'_>, terms: Terms) -> Result<bool, Unreadable> {
        let (_, set) = self.sets.iter().find(|(one, _)| *one == template).ok_or(Unreadable)?;
        let parts = [("fact", record(terms.fact)?), ("limit", record(terms.limit)?)];
        let context = Context::from_pairs(parts.map(|(name, value)| (name.to_owned(), value)));
        let request = Request::new(
            uid("Agent", ask.agent.as_str())?,
            uid("Action", template.as_str())?,
            uid("Tool", ask.tool.as_str())?,
            context.map_err(|_| Unreadable)?,
            Some(&self.schema),
        );
        let request = request.map_err(|_| Unreadable)?;
        let response = Authorizer::new().is_authorized(&request, set, &Entities::empty());
        let failed = response.diagnostics().errors().next().is_some();
        if failed { Err(Unreadable) } else { Ok(response.diagnostics().reason().next().is_some()) }
    }
}

pub(super) fn uid(kind: &str, id: &str) -> Result<EntityUid, Unreadable> {
    let kind: EntityTypeName = kind.parse().map_err(|_| Unreadable)?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

fn record(fields: Vec<(&'static str, RestrictedExpression)>) -> Result<RestrictedExpression, Unreadable> {
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value));
    RestrictedExpression::new_record(fields).map_err(|_| Unreadable)
}

pub(super) fn text(value: impl Into<String>) -> RestrictedExpression {
    RestrictedExpression::new_string(value.into())
}

pub(super) fn texts(values: impl IntoIterator<Item = impl ToString>) -> RestrictedExpression {
    RestrictedExpression::new_set(values.into_iter().map(|one| text(one.to_string())))
}
