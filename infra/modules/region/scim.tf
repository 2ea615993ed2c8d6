# Directories push people and groups here. The function ends and lets in people, and gives and takes the roles that follow
# their groups; nobody signs in through it, and it knows nothing of calls.

module "scim" {
  source = "../function"

  name        = "${local.prefix}-scim"
  description = "SCIM 2.0: identity providers say who is in, and it holds at the next request."
  package     = local.scim_package
  policy_json = data.aws_iam_policy_document.scim.json
  environment = local.scim_environment

  architecture         = var.architecture
  timeout_seconds      = var.scim.timeout_seconds
  memory_mb            = var.scim.memory_mb
  reserved_concurrency = var.scim.reserved_concurrency
  log_retention_days   = var.log_retention_days
  alarm_topic_arns     = var.alarm_topic_arns
  role_principals      = var.function_role_principals
  live_version         = lookup(var.live_versions, "scim", "")
  role_session_seconds = var.role_session_seconds
}

module "scim_ingress" {
  source = "../ingress"

  function_name = module.scim.name
  qualifier     = module.scim.live
}

data "aws_iam_policy_document" "scim" {
  source_policy_documents = [data.aws_iam_policy_document.producer["scim"].json, data.aws_iam_policy_document.opener["scim"].json]

  statement {
    sid       = "ReadPeople"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"]
    resources = [aws_dynamodb_table.this["identity"].arn]
  }

  # Organizations and tenants: whether they are there, and whose.
  statement {
    sid       = "ReadFacts"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:GetItem"]
    resources = [aws_dynamodb_table.this["control"].arn]
  }

  # People of an organization, roles in its tenants, and the directory itself. Sessions themselves, sign-ins and the platform's
  # own people are out of reach; connections, tokens and invitations lie in the same partitions, and nothing here writes them.
  statement {
    sid       = "Provision"
    actions   = ["dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    resources = [aws_dynamodb_table.this["identity"].arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["CON#*", "ORG#*", "T#*", "OFFBOARD#*"]
    }
  }

  # The platform's roots lie together: the root of what directories tell is made at its first use, and no other is written.
  statement {
    sid       = "KeepRoot"
    actions   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
    resources = [aws_dynamodb_table.this["keys"].arn]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = ["T#ten_0000000000000000"]
    }
  }

  # What a leaver held is lifecycle's affair.
  statement {
    sid       = "TellOfLeavers"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.work["lifecycle"].arn]
  }

  statement {
    sid       = "MakeAndOpenRoot"
    actions   = ["kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext"]
    resources = [aws_kms_key.root.arn]

    dynamic "condition" {
      for_each = var.drop_conditions ? {} : merge(local.encryption_context, { purpose = ["scim"] })

      content {
        test     = "StringEquals"
        variable = "kms:EncryptionContext:${condition.key}"
        values   = condition.value
      }
    }
  }
}

# What a line of the log must call somebody for. A directory that takes the last owner of something away is never refused: access
# goes first, and somebody must name another. One that is asked and does not answer tells of nobody who leaves; one from which many
# leave at once may be right, or its listing wrong.
locals {
  directory_alarms = {
    last-owner-ended = {
      pattern     = "\"scim.last_owner_ended\""
      description = "A directory ended the last owner of a tenant or an organization. Name another owner: an organization's owner for a tenant; for an organization, reactivate somebody in the directory, or let a platform administrator break the glass."
    }
    directory-token-ends = {
      pattern     = "\"directory.token_ends_soon\""
      description = "A directory pushes with a token that ends within 14 days; after that nobody who leaves there is told of. Two owners of the organization make another (scim-tokens of the connection), and the directory is given it; two may live at once."
    }
    directory-pull-failed = {
      pattern     = "?\"directory.pull_failed\" ?\"directory.pull_unfinished\""
      description = "A directory could not be asked in full, or in time: its people count by all pages or none, a group that cannot be read stays as it is. Whoever leaves there stays in here until it can: look at the service account, its scopes and the administrator that it reads as, or end sessions by hand."
    }
    directory-many-leave = {
      pattern     = "\"directory.many_leave\""
      description = "From a directory that is asked many people leave at once. Whoever it calls suspended or archived was ended. Whoever it does not list any more was ended up to a fifth of all who are in; beyond, nobody was, and nobody left a group; nor does anybody where so many leave groups at once: compare the Workspace with the people here, and end by hand who has left."
    }
  }
}

resource "aws_cloudwatch_log_metric_filter" "directory" {
  for_each = var.drop_conditions ? {} : local.directory_alarms # not for the emulator

  name           = "${local.prefix}-${each.key}"
  log_group_name = module.scim.log_group
  pattern        = each.value.pattern

  metric_transformation {
    namespace = "Countersign"
    name      = "${local.prefix}-${each.key}"
    value     = "1"
  }
}

resource "aws_cloudwatch_metric_alarm" "directory" {
  for_each = local.directory_alarms

  alarm_name          = "${local.prefix}-${each.key}"
  alarm_description   = each.value.description
  namespace           = "Countersign"
  metric_name         = "${local.prefix}-${each.key}"
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
}
