# The region's root of trust: wraps each tenant's root secrets. Terraform sees its ARN, never a key or a ciphertext.

resource "aws_kms_key" "root" {
  description             = "Countersign ${var.stage} ${var.region}: wraps the root secrets of tenants"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.key.json
}

resource "aws_kms_alias" "root" {
  name          = "alias/${local.prefix}"
  target_key_id = aws_kms_key.root.key_id
}

data "aws_iam_policy_document" "key" {
  # Delegates to IAM, as AWS advises, so that the key cannot become unmanageable.
  statement {
    sid       = "IamDecides"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account}:root"]
    }
  }

  # An administrator of the account does not read sealed data by accident: only these roles use the key. Whoever may change
  # this policy could, which CloudTrail shows.
  statement {
    sid       = "OnlyTheseRolesUseIt"
    effect    = "Deny"
    actions   = ["kms:Decrypt", "kms:Encrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant"]
    resources = ["*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "ArnNotLike"
      variable = "aws:PrincipalArn"
      values   = local.principals_that.use_the_key
    }
  }
}

# Roots that a role may open: of which purposes, and of which tenant if not of all. Whoever seals opens the root too; what else it is for stands beside it.
locals {
  opens = {
    # Waiting requests, which nobody but the two reads; and what every caller's record needs.
    actions   = { purpose = ["action", "audit", "pseudonym"] }
    approvals = { purpose = ["action"] }
    # To seal credentials of providers and of directories, and to seal and open those of connections to identity providers, and
    # where people are told of requests. Requests themselves lie where this role reads nothing.
    admin   = { purpose = ["cred", "sso", "directory", "action"] }
    dlp     = { purpose = ["audit", "token", "pseudonym"] }
    gateway = { purpose = ["cred", "audit", "token", "pseudonym"] }
    # The canary's credentials, and no other tenant's.
    health = { purpose = ["cred"], tenant = [local.canary] }
    # Credentials to seal, pseudonyms to find whom to erase. Sealed addresses and names are none of an operator's business.
    operator = { purpose = ["cred", "pseudonym"] }
    # Keys by which directories are asked: sealed by the management API, opened here alone.
    scim = { purpose = ["directory"] }
  }
}

data "aws_iam_policy_document" "opener" {
  for_each = local.opens

  statement {
    sid       = "OpenRoots"
    actions   = ["kms:Decrypt"]
    resources = [aws_kms_key.root.arn]

    dynamic "condition" {
      for_each = var.drop_conditions ? {} : merge(local.encryption_context, each.value)

      content {
        test     = "StringEquals"
        variable = "kms:EncryptionContext:${condition.key}"
        values   = condition.value
      }
    }
  }
}
