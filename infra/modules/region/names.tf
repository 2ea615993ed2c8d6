# Names and the few facts about the account that policies need. Role ARNs are built from their names, so that a
# resource's policy can name a role that itself names the resource.

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

locals {
  prefix    = "cs-${var.stage}-${var.region}"
  account   = data.aws_caller_identity.this.account_id
  partition = data.aws_partition.this.partition

  # What the region log calls itself in its checkpoints (C2SP, origin line).
  log_origin = "countersign/${local.prefix}-${local.account}"

  role_arn_prefix = "arn:${local.partition}:iam::${local.account}:role/${local.prefix}"

  # Who may use the KMS key, and who may put records on the audit queue.
  key_user_role_arns = [for role in ["actions", "admin", "approvals", "gateway", "dlp", "health", "operator", "scim"] : "${local.role_arn_prefix}-${role}"]
  producer_role_arns = concat(local.key_user_role_arns, ["${local.role_arn_prefix}-lifecycle"])

  # AWS gives aws:PrincipalArn of a session as the role's ARN; the emulator gives the session's.
  key_user_principals = concat(local.key_user_role_arns, var.drop_conditions ? [
    for arn in local.key_user_role_arns : "${replace(replace(arn, ":iam:", ":sts:"), ":role/", ":assumed-role/")}/*"
  ] : [])
  producer_principals = concat(local.producer_role_arns, var.drop_conditions ? [
    for arn in local.producer_role_arns : "${replace(replace(arn, ":iam:", ":sts:"), ":role/", ":assumed-role/")}/*"
  ] : [])

  # Who ends people, and tells `lifecycle` of it.
  ender_roles = ["admin", "scim"]

  ender_principals = concat([for role in local.ender_roles : "${local.role_arn_prefix}-${role}"], var.drop_conditions ? [
    for role in local.ender_roles : "arn:${local.partition}:sts::${local.account}:assumed-role/${local.prefix}-${role}/*"
  ] : [])

  # Who tells of requests for approval: whoever makes them, and whoever ends them.
  teller_roles = ["actions", "approvals"]

  teller_principals = concat([for role in local.teller_roles : "${local.role_arn_prefix}-${role}"], var.drop_conditions ? [
    for role in local.teller_roles : "arn:${local.partition}:sts::${local.account}:assumed-role/${local.prefix}-${role}/*"
  ] : [])

  # Who may take records from the audit queue.
  writer_principals = concat(["${local.role_arn_prefix}-audit-writer"], var.drop_conditions ? [
    "arn:${local.partition}:sts::${local.account}:assumed-role/${local.prefix}-audit-writer/*"
  ] : [])

  # Signing key -> the one role that signs with it.
  signers = { checkpoint = "audit-writer", actions = "actions", permit = "actions", admin = "admin", session = "admin", approvals = "approvals", gateway = "gateway", dlp = "dlp", health = "health", lifecycle = "lifecycle", operator = "operator", scim = "scim" }

  signer_principals = { for key, role in local.signers : key => concat(["${local.role_arn_prefix}-${role}"],
    var.drop_conditions ? ["arn:${local.partition}:sts::${local.account}:assumed-role/${local.prefix}-${role}/*"] : []
  ) }
}
