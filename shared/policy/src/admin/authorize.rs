//! The decision, and its proof.

use std::collections::BTreeMap;

use cedar_policy::{
    Authorizer, Decision, EntityUid, Policy, PolicyId, PolicySet, Request, RequestValidationError, Response,
    Schema,
};
use domain::{ActionId, Authority, Code};

use super::entities::{context, entities, principal_uid, uid};
use super::{Action, Principal, Resource};

/// Why not. Anything that is not permitted is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// The resource is another's: for this principal it does not exist.
    #[error("not found")]
    NotFound,
    #[error("not permitted")]
    Forbidden,
    /// It would be permitted with a second factor.
    #[error("a second factor is needed")]
    MfaRequired,
    /// The decision could not be made.
    #[error("the decision could not be made")]
    Fault,
}

/// Policies or their schema that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    #[error("the schema of the policies does not read")]
    Schema,
    #[error("the policies do not read")]
    Syntax,
    #[error("a policy has no id of its own, or no capacity where it permits")]
    Annotation,
}

/// In which capacity somebody may do something, from the least to the most: of several the least is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Capacity {
    Itself,
    Role,
    OrgMember,
    OrgOwner,
    Platform,
    BreakGlass,
}

impl Capacity {
    const ALL: [(&'static str, Self); 6] = [
        ("self", Self::Itself),
        ("role", Self::Role),
        ("org-member", Self::OrgMember),
        ("org-owner", Self::OrgOwner),
        ("platform", Self::Platform),
        ("break-glass", Self::BreakGlass),
    ];

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| *name == text).map(|(_, one)| one)
    }

    fn code(self, principal: &Principal, resource: &Resource) -> Code {
        let role = match (self, resource) {
            (Self::Role, Resource::Tenant { tenant, .. } | Resource::Owned { tenant, .. }) => {
                principal.roles.get(tenant)
            }
            _ => None,
        };
        let name = Self::ALL.into_iter().find(|(_, one)| *one == self).map_or("", |(name, _)| name);
        Code::literal(role.map_or(name, |role| role.as_str()))
    }
}

/// The policies of this version, ready to decide.
#[derive(Debug)]
pub struct Policies {
    schema: Schema,
    set: PolicySet,
    /// By policy; those that forbid have none.
    capacities: BTreeMap<Code, Capacity>,
}

/// The proof that a management action was authorized, and by what. Only [`Policies::authorize`] makes one:
///
/// ```compile_fail,E0451
/// use countersign_policy::admin::AdminPermit;
/// let permit = AdminPermit { action_id: todo!(), action: todo!(), resource: todo!(), authority: todo!(), decided_by: todo!() };
/// ```
#[derive(Debug)]
pub struct AdminPermit {
    action_id: ActionId,
    action: Action,
    resource: Resource,
    authority: Authority,
    decided_by: Code,
}

impl AdminPermit {
    pub const fn action_id(&self) -> ActionId {
        self.action_id
    }

    pub const fn action(&self) -> Action {
        self.action
    }

    pub const fn resource(&self) -> &Resource {
        &self.resource
    }

    /// What the audit record says about it. `role` is the capacity: a role of the tenant, `self`, `org-member`,
    /// `org-owner`, `platform` or `break-glass`.
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Whether nothing less than an open break-glass permitted it.
    pub fn is_break_glass(&self) -> bool {
        let capacity = self.authority.role.as_ref();
        capacity.is_some_and(|capacity| Capacity::parse(capacity.as_str()) == Some(Capacity::BreakGlass))
    }

    /// The policy that permitted it, such as `tenant.build`.
    pub const fn decided_by(&self) -> &Code {
        &self.decided_by
    }
}

impl Policies {
    /// The policies that this version was reviewed with.
    ///
    /// # Errors
    /// Never for a tested build; the caller refuses to start.
    pub fn builtin() -> Result<Self, PolicyError> {
        Self::parse(include_str!("../../cedar/schema.cedarschema"), &FILES.map(|(_, text)| text))
    }

    pub(crate) fn parse(schema: &str, files: &[&str]) -> Result<Self, PolicyError> {
        let (schema, _) = Schema::from_cedarschema_str(schema).map_err(|_| PolicyError::Schema)?;
        let (mut set, mut capacities) = (PolicySet::new(), BTreeMap::new());
        for file in files {
            let read: PolicySet = file.parse().map_err(|_| PolicyError::Syntax)?;
            if read.templates().next().is_some() {
                return Err(PolicyError::Syntax);
            }
            for policy in read.policies() {
                let (id, capacity) = annotations(policy)?;
                set.add(policy.new_id(PolicyId::new(id.as_str()))).map_err(|_| PolicyError::Annotation)?;
                capacities.extend(capacity.map(|capacity| (id, capacity)));
            }
        }
        Ok(Self { schema, set, capacities })
    }

    /// Decides whether the principal may do that. Pure: what holds now is in the principal.
    ///
    /// # Errors
    /// Why not; an error in the evaluation of any policy denies too.
    pub fn authorize(
        &self,
        action_id: ActionId,
        principal: &Principal,
        action: Action,
        resource: &Resource,
    ) -> Result<AdminPermit, Denial> {
        let Some((capacity, decided_by)) = self.decide(principal, action, resource, principal.mfa)? else {
            return Err(self.denial(principal, action, resource));
        };
        let role = Some(capacity.code(principal, resource));
        let authority = Authority { key_id: None, role, policy_version: None };
        Ok(AdminPermit { action_id, action, resource: resource.clone(), authority, decided_by })
    }

    /// What whoever was denied is told.
    fn denial(&self, principal: &Principal, action: Action, resource: &Resource) -> Denial {
        if !principal.knows(resource) {
            return Denial::NotFound;
        }
        match self.decide(principal, action, resource, true) {
            Ok(Some(_)) => Denial::MfaRequired,
            Ok(None) => Denial::Forbidden,
            Err(fault) => fault,
        }
    }

    fn decide(
        &self,
        principal: &Principal,
        action: Action,
        resource: &Resource,
        mfa: bool,
    ) -> Result<Option<(Capacity, Code)>, Denial> {
        if !principal.is_sound() {
            return Err(Denial::Fault);
        }
        let (name, store) = entities(&self.schema, principal, resource)?;
        match self.request(principal, action, name, mfa) {
            Ok(request) => self.permitted(&Authorizer::new().is_authorized(&request, &self.set, &store)),
            Err(None) => Ok(None),
            Err(Some(fault)) => Err(fault),
        }
    }

    /// Or none and no fault, where the schema does not have this action for such principals.
    fn request(
        &self,
        principal: &Principal,
        action: Action,
        resource: EntityUid,
        mfa: bool,
    ) -> Result<Request, Option<Denial>> {
        let (who, what) = (principal_uid(&principal.id)?, uid("Action", action.as_str())?);
        Request::new(who, what, resource, context(mfa)?, Some(&self.schema)).map_err(|error| match error {
            RequestValidationError::InvalidPrincipalType(_) => None,
            _ => Some(Denial::Fault),
        })
    }

    /// The least capacity of those that permit it.
    fn permitted(&self, response: &Response) -> Result<Option<(Capacity, Code)>, Denial> {
        // Cedar passes over a policy that fails, so a failed `forbid` would let through what it forbids.
        if response.diagnostics().errors().next().is_some() {
            return Err(Denial::Fault);
        }
        if response.decision() != Decision::Allow {
            return Ok(None);
        }
        let reasons = response.diagnostics().reason().filter_map(|id| id.to_string().parse::<Code>().ok());
        let known = reasons.filter_map(|id| Some((*self.capacities.get(&id)?, id)));
        known.min().map(Some).ok_or(Denial::Fault)
    }

    #[cfg(test)]
    pub(crate) const fn parts(&self) -> (&Schema, &PolicySet) {
        (&self.schema, &self.set)
    }
}

/// The policies, by file.
pub(crate) const FILES: [(&str, &str); 3] = [
    ("platform.cedar", include_str!("../../cedar/platform.cedar")),
    ("organization.cedar", include_str!("../../cedar/organization.cedar")),
    ("tenant.cedar", include_str!("../../cedar/tenant.cedar")),
];

/// `@id`, and `@capacity` of those that permit.
fn annotations(policy: &Policy) -> Result<(Code, Option<Capacity>), PolicyError> {
    let id = policy.annotation("id").and_then(|id| id.parse().ok()).ok_or(PolicyError::Annotation)?;
    let capacity = policy.annotation("capacity").map(Capacity::parse);
    match (policy.effect(), capacity) {
        (cedar_policy::Effect::Permit, Some(Some(capacity))) => Ok((id, Some(capacity))),
        (cedar_policy::Effect::Forbid, None) => Ok((id, None)),
        _ => Err(PolicyError::Annotation),
    }
}
