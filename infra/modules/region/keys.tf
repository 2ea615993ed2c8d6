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
      values   = local.key_user_principals
    }
  }
}
