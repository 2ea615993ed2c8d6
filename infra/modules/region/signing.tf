# Keys that never leave KMS, one per signer: `checkpoint` signs the region log, `session` the tokens of people's sessions, `permit` what tools
# take; `actions`, `admin`, `approvals`, `gateway`, `dlp`, `health`, `lifecycle`, `operator` and `scim` certify the keys under which their
# instances sign records. All are Ed25519 but `permit`: tools check permits by ES256, which every library of theirs has.
#
# Provider 5.100.0 does not know the key spec, CloudFormation does; hence the stack. Whatever becomes of the stack, the keys
# stay: without them nobody could tell a true checkpoint from a forged one.

locals {
  key_specs = { permit = "ECC_NIST_P256" }

  signing_logical_ids = { for key in keys(local.signers) : key => title(key) }

  signing_template = jsonencode({
    Description = "Signing keys of Countersign ${var.stage} ${var.region}"
    Resources = { for key, id in local.signing_logical_ids : id => {
      Type                = "AWS::KMS::Key"
      DeletionPolicy      = "Retain"
      UpdateReplacePolicy = "Retain"
      Properties = {
        Description = "Countersign ${var.stage} ${var.region}: signs as ${local.signers[key]}"
        KeySpec     = lookup(local.key_specs, key, "ECC_NIST_EDWARDS25519")
        KeyUsage    = "SIGN_VERIFY"
        KeyPolicy   = jsondecode(data.aws_iam_policy_document.signing_key[key].json)
      }
    } }
    Outputs = { for key, id in local.signing_logical_ids : "${id}Arn" => { Value = { "Fn::GetAtt" = [id, "Arn"] } } }
  })

  signing_keys = { for key, id in local.signing_logical_ids : key => aws_cloudformation_stack.signing.outputs["${id}Arn"] }
}

resource "aws_cloudformation_stack" "signing" {
  name          = "${local.prefix}-signing"
  template_body = local.signing_template
}

data "aws_iam_policy_document" "signing_key" {
  for_each = local.signers

  # Delegates to IAM, as for the key in keys.tf.
  statement {
    sid       = "IamDecides"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account}:root"]
    }
  }

  # An administrator of the account does not sign. Whoever may change this policy could, which trail.tf raises an alarm for.
  statement {
    sid       = "OnlyOneRoleSigns"
    effect    = "Deny"
    actions   = ["kms:Sign"]
    resources = ["*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "ArnNotLike"
      variable = "aws:PrincipalArn"
      values   = local.signer_principals[each.key]
    }
  }
}
