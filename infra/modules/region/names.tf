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

  # Who may use the KMS key.
  key_users = ["actions", "admin", "approvals", "gateway", "dlp", "health", "operator", "scim"]

  roles_that = {
    use_the_key = local.key_users
    # Put records on the audit queue.
    produce = concat(local.key_users, ["lifecycle"])
    # Take them from it.
    write = ["audit-writer"]
    # End people, and tell `lifecycle` of it.
    end = ["admin", "scim"]
    # Make requests for approval and end them, and tell of them; or bring back what was set aside.
    tell = ["actions", "approvals", "operator"]
  }

  # AWS gives aws:PrincipalArn of a session as the role's ARN; the emulator gives the session's.
  principals_that = { for what, roles in local.roles_that : what => concat(
    [for role in roles : "${local.role_arn_prefix}-${role}"],
    var.drop_conditions ? [for role in roles : "arn:${local.partition}:sts::${local.account}:assumed-role/${local.prefix}-${role}/*"] : [],
  ) }

  # Signing key -> the one role that signs with it.
  signers = { checkpoint = "audit-writer", actions = "actions", permit = "actions", admin = "admin", session = "admin", approvals = "approvals", gateway = "gateway", dlp = "dlp", health = "health", lifecycle = "lifecycle", operator = "operator", scim = "scim" }

  signer_principals = { for key, role in local.signers : key => concat(["${local.role_arn_prefix}-${role}"],
    var.drop_conditions ? ["arn:${local.partition}:sts::${local.account}:assumed-role/${local.prefix}-${role}/*"] : []
  ) }
}
