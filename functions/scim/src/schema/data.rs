//! The tables. Characteristics are those of RFC 7643, section 8.7.1, but for what this service does otherwise: `display`
//! of members and `displayName` of a manager are ours to say, and `displayName` of a group is required and unique.

use super::{Attribute, ENTERPRISE, GROUP, Mutability, Returned, Schema, Type, USER, Uniqueness};

const fn of(name: &'static str, kind: Type, description: &'static str) -> Attribute {
    Attribute {
        name,
        kind,
        multi: false,
        required: false,
        case_exact: false,
        mutability: Mutability::ReadWrite,
        returned: Returned::Default,
        uniqueness: Uniqueness::None,
        canonical: &[],
        references: &[],
        description,
        subs: &[],
    }
}

const fn text(name: &'static str, description: &'static str) -> Attribute {
    of(name, Type::String, description)
}

const fn flag(name: &'static str, description: &'static str) -> Attribute {
    of(name, Type::Boolean, description)
}

const fn time(name: &'static str, description: &'static str) -> Attribute {
    of(name, Type::DateTime, description)
}

const fn link(
    name: &'static str,
    references: &'static [&'static str],
    description: &'static str,
) -> Attribute {
    Attribute { references, case_exact: true, ..of(name, Type::Reference, description) }
}

const fn complex(name: &'static str, subs: &'static [Attribute], description: &'static str) -> Attribute {
    Attribute { subs, ..of(name, Type::Complex, description) }
}

const fn list(name: &'static str, subs: &'static [Attribute], description: &'static str) -> Attribute {
    Attribute { multi: true, ..complex(name, subs, description) }
}

impl Attribute {
    const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    const fn unique(self) -> Self {
        Self { uniqueness: Uniqueness::Server, ..self }
    }

    const fn exact(self) -> Self {
        Self { case_exact: true, ..self }
    }

    const fn read_only(self) -> Self {
        Self { mutability: Mutability::ReadOnly, ..self }
    }

    const fn immutable(self) -> Self {
        Self { mutability: Mutability::Immutable, ..self }
    }

    const fn always(self) -> Self {
        Self { returned: Returned::Always, ..self }
    }

    const fn usual(self, canonical: &'static [&'static str]) -> Self {
        Self { canonical, ..self }
    }
}

const DISPLAY: Attribute = text("display", "A name for the value, for people to read.");
const TYPE: Attribute = text("type", "What the value is for.");
const PRIMARY: Attribute = flag("primary", "Whether this is the preferred value; true at most once.");

static META: [Attribute; 5] = [
    text("resourceType", "The name of the resource's type.").exact().read_only(),
    time("created", "When the resource was added.").read_only(),
    time("lastModified", "When the resource last changed.").read_only(),
    link("location", &["uri"], "The address of the resource.").read_only(),
    text("version", "The version of the resource, as its ETag.").exact().read_only(),
];

pub(super) static COMMON: [Attribute; 4] = [
    Attribute {
        multi: true,
        ..link("schemas", &["uri"], "The schemas of the resource.").read_only().always()
    },
    text("id", "Issued by this service, never used again.").exact().read_only().always().unique(),
    text("externalId", "The identity provider's own id for the resource.").exact(),
    complex("meta", &META, "What this service says about the resource.").read_only(),
];

static NAME: [Attribute; 6] = [
    text("formatted", "The full name, as it is shown."),
    text("familyName", "The family name."),
    text("givenName", "The given name."),
    text("middleName", "The middle names."),
    text("honorificPrefix", "Titles before the name."),
    text("honorificSuffix", "Suffixes after the name."),
];

static EMAILS: [Attribute; 4] =
    [text("value", "The e-mail address."), DISPLAY, TYPE.usual(&["work", "home", "other"]), PRIMARY];

static PHONES: [Attribute; 4] = [
    text("value", "The telephone number."),
    DISPLAY,
    TYPE.usual(&["work", "home", "mobile", "fax", "pager", "other"]),
    PRIMARY,
];

static IMS: [Attribute; 4] = [
    text("value", "The address for instant messages."),
    DISPLAY,
    TYPE.usual(&["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"]),
    PRIMARY,
];

static PHOTOS: [Attribute; 4] = [
    link("value", &["external"], "The address of a picture of the user."),
    DISPLAY,
    TYPE.usual(&["photo", "thumbnail"]),
    PRIMARY,
];

static ADDRESSES: [Attribute; 8] = [
    text("formatted", "The full address, as it is shown."),
    text("streetAddress", "Street, house number and the like."),
    text("locality", "The city."),
    text("region", "The state or region."),
    text("postalCode", "The postal code."),
    text("country", "The country."),
    TYPE.usual(&["work", "home", "other"]),
    PRIMARY,
];

static PLAIN: [Attribute; 4] = [text("value", "The value."), DISPLAY, TYPE, PRIMARY];

static CERTIFICATES: [Attribute; 4] =
    [of("value", Type::Binary, "The certificate in DER, as base64.").exact(), DISPLAY, TYPE, PRIMARY];

static GROUPS: [Attribute; 4] = [
    text("value", "The id of the group.").exact().read_only(),
    link("$ref", &["Group"], "The address of the group.").read_only(),
    text("display", "The name of the group.").read_only(),
    text("type", "Always `direct`: groups do not lie in groups.").usual(&["direct"]).read_only(),
];

static USER_ATTRIBUTES: [Attribute; 20] = [
    text("userName", "The name that the user signs in by.").required().unique(),
    complex("name", &NAME, "The parts of the user's name."),
    text("displayName", "The name of the user, as it is shown."),
    text("nickName", "How the user is called."),
    link("profileUrl", &["external"], "The address of a page about the user."),
    text("title", "The user's title at work."),
    text("userType", "How the user belongs to the organization."),
    text("preferredLanguage", "The language the user prefers."),
    text("locale", "How numbers and dates are shown to the user."),
    text("timezone", "The user's time zone, as `Asia/Jerusalem`."),
    flag("active", "Whether the user may sign in and act; anything but true ends all access at once."),
    list("emails", &EMAILS, "The user's e-mail addresses."),
    list("phoneNumbers", &PHONES, "The user's telephone numbers."),
    list("ims", &IMS, "The user's addresses for instant messages."),
    list("photos", &PHOTOS, "Pictures of the user."),
    list("addresses", &ADDRESSES, "The user's postal addresses."),
    list("groups", &GROUPS, "The groups that the user is in; changed through the groups.").read_only(),
    list("entitlements", &PLAIN, "What the user is entitled to, elsewhere."),
    list("roles", &PLAIN, "The user's roles, elsewhere: roles here come by groups."),
    list("x509Certificates", &CERTIFICATES, "The user's certificates."),
];

pub(super) static USER_SCHEMA: Schema =
    Schema { id: USER, name: "User", description: "A user.", attributes: &USER_ATTRIBUTES };

static MANAGER: [Attribute; 3] = [
    text("value", "The id of the manager.").exact(),
    link("$ref", &["User"], "The address of the manager."),
    text("displayName", "The manager's name.").read_only(),
];

static ENTERPRISE_ATTRIBUTES: [Attribute; 6] = [
    text("employeeNumber", "The number of the user in the organization."),
    text("costCenter", "The cost center."),
    text("organization", "The organization."),
    text("division", "The division."),
    text("department", "The department."),
    complex("manager", &MANAGER, "The user's manager."),
];

pub(super) static ENTERPRISE_SCHEMA: Schema = Schema {
    id: ENTERPRISE,
    name: "EnterpriseUser",
    description: "What an organization says about a user.",
    attributes: &ENTERPRISE_ATTRIBUTES,
};

pub(super) static OF_USERS: [&Schema; 1] = [&ENTERPRISE_SCHEMA];

static MEMBERS: [Attribute; 4] = [
    text("value", "The id of the member.").exact().immutable(),
    link("$ref", &["User"], "The address of the member.").immutable(),
    text("type", "What the member is.").usual(&["User"]).immutable(),
    text("display", "The member's name.").read_only(),
];

static GROUP_ATTRIBUTES: [Attribute; 2] = [
    text("displayName", "The name of the group, one of its kind in the connection.").required().unique(),
    list("members", &MEMBERS, "Who is in the group."),
];

pub(super) static GROUP_SCHEMA: Schema =
    Schema { id: GROUP, name: "Group", description: "A group.", attributes: &GROUP_ATTRIBUTES };
