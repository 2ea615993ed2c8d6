# What agents want tools to do, gated: asked with their keys, permitted for a minute and taken once. The function writes requests and
# what became of permits; it decides nothing of what people do, and sends no prompt anywhere.

locals {
  actions_package = "${var.packages_dir}/actions.zip"

  actions_environment = merge(local.common_environment, {
    CS_TABLE_CONTROL   = aws_dynamodb_table.this["control"].name
    CS_TABLE_IDENTITY  = aws_dynamodb_table.this["identity"].name
    CS_TABLE_GATES     = aws_dynamodb_table.this["gates"].name
    CS_TABLE_KEYS      = aws_dynamodb_table.this["keys"].name
    CS_TABLE_KILL      = aws_dynamodb_table.this["kill"].name
    CS_TABLE_VOTES     = aws_dynamodb_table.apart["votes"].name
    CS_TABLE_APPROVALS = aws_dynamodb_table.apart["approvals"].name
    CS_QUEUE_AUDIT_URL = aws_sqs_queue.audit.url
    CS_KMS_KEY_ARN     = aws_kms_key.root.arn
    CS_SIGNING_KEY_ARN = local.signing_keys.actions
    CS_PERMIT_KEY_ARN  = local.signing_keys.permit
    CS_CODE_SHA256     = filesha256(local.actions_package)

    CS_QUEUE_APPROVALS_URL = aws_sqs_queue.work["approvals"].url
  })
}

module "actions" {
  source = "../function"

  name        = "${local.prefix}-actions"
  description = "Permits actions of agents, holds them for people or refuses them, and records it."
  package     = local.actions_package
  policy_json = data.aws_iam_policy_document.actions.json
  environment = local.actions_environment

  architecture         = var.architecture
  timeout_seconds      = var.actions.timeout_seconds
  memory_mb            = var.actions.memory_mb
  reserved_concurrency = var.actions.reserved_concurrency
  log_retention_days   = var.log_retention_days
  alarm_topic_arns     = var.alarm_topic_arns
  role_principals      = var.function_role_principals
  live_version         = lookup(var.live_versions, "actions", "")
  role_session_seconds = var.role_session_seconds

  # What nobody waits for is the pass of a minute, and the next minute makes up for it.
  keep_dead_letters = false
}

module "actions_ingress" {
  source = "../ingress"

  function_name = module.actions.name
  qualifier     = module.actions.live
}

data "aws_iam_policy_document" "actions" {
  source_policy_documents = [data.aws_iam_policy_document.producer["actions"].json, data.aws_iam_policy_document.opener["actions"].json]

  statement {
    sid       = "ReadFacts"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:GetItem"]
    resources = [for name in ["control", "identity", "keys", "kill"] : aws_dynamodb_table.this[name].arn]
  }

  # Rate windows, in partitions of their own: budgets are out of reach.
  statement {
    sid       = "CountRequests"
    actions   = ["dynamodb:UpdateItem"]
    resources = [aws_dynamodb_table.this["gates"].arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["T#*#R"]
    }
  }

  statement {
    sid       = "SeeWhatBecame"
    actions   = ["dynamodb:BatchGetItem"]
    resources = [aws_dynamodb_table.apart["votes"].arn, aws_dynamodb_table.apart["approvals"].arn]
  }

  # A request with the words in it, its link and what goes by the clock. Looks and comments, and what was taken once, lie in other
  # partitions.
  statement {
    sid       = "Ask"
    actions   = ["dynamodb:UpdateItem"]
    resources = [aws_dynamodb_table.apart["votes"].arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["T#*", "LINK#*", "WAITING#*"]
    }
  }

  # A permit that was taken, and what came of it. Nothing of it is ever deleted: it is taken once.
  statement {
    sid       = "TakePermits"
    actions   = ["dynamodb:UpdateItem"]
    resources = [aws_dynamodb_table.apart["approvals"].arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["T#*", "DUE#*"]
    }
  }

  # Outcomes that are awaited, in a list of their own: each goes from it once it is told, or late.
  statement {
    sid       = "AwaitOutcomes"
    actions   = ["dynamodb:Query", "dynamodb:DeleteItem"]
    resources = [aws_dynamodb_table.apart["approvals"].arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["DUE#*"]
    }
  }

  # What a permit rests on is compared in the same transaction: the request, everybody who agreed and who stands behind it, the key,
  # and every switch.
  statement {
    sid       = "CompareWhatItRestsOn"
    actions   = ["dynamodb:ConditionCheckItem"]
    resources = concat([aws_dynamodb_table.apart["votes"].arn], [for name in ["control", "identity", "kill"] : aws_dynamodb_table.this[name].arn])
  }

  # One that is lost costs a reminder.
  statement {
    sid       = "TellApprovals"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.work["approvals"].arn]
  }

  statement {
    sid       = "SignPermits"
    actions   = ["kms:Sign"]
    resources = [local.signing_keys.permit]

    dynamic "condition" {
      for_each = local.permit_algorithm

      content {
        test     = "StringEquals"
        variable = "kms:SigningAlgorithm"
        values   = [condition.value]
      }
    }
  }

  # Permits that come back are checked by the public half, which is served to tools too.
  statement {
    sid       = "PublishThePermitKey"
    actions   = ["kms:GetPublicKey"]
    resources = [local.signing_keys.permit]
  }
}
