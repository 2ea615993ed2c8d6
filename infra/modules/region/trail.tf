# CloudTrail over the ledger: every read and write of its objects, rows and messages, and every change of what protects
# them. The ledger shows that it was changed; the trail shows who did it. Its logs lie under a lock of their own.
#
# Names are spelled out and not taken from the resources' ARNs, so that a plan shows what is watched.
# Changes of IAM are recorded in us-east-1 only, whatever region a trail is in: the account's own trail covers them.

locals {
  trail_name   = "${local.prefix}-ledger"
  trail_arn    = "arn:${local.partition}:cloudtrail:${var.region_name}:${local.account}:trail/${local.trail_name}"
  trail_bucket = "${local.prefix}-${local.account}-trail"
  table_arn    = "arn:${local.partition}:dynamodb:${var.region_name}:${local.account}:table/${aws_dynamodb_table.apart["ledger"].name}"

  watched_data = {
    "Objects of the ledger" = {
      type   = "AWS::S3::Object"
      equals = null
      starts_with = [
        for name in [aws_s3_bucket.locked.bucket, aws_s3_bucket.derived.bucket] : "arn:${local.partition}:s3:::${name}/"
      ]
    }
    "Rows of the ledger" = {
      type        = "AWS::DynamoDB::Table"
      equals      = [local.table_arn]
      starts_with = null
    }
    "Messages of the audit queue" = {
      type        = "AWS::SQS::Queue"
      equals      = [local.audit_queue_arn, "${local.audit_queue_arn}-dlq"]
      starts_with = null
    }
  }

  # Terms of filter patterns. What `!=` means for an event that lacks the field is not documented; hence NOT EXISTS.
  is = {
    data       = "($.eventCategory = \"Data\")"
    management = "($.eventCategory = \"Management\")"
    write      = "($.readOnly IS FALSE)"
    locked     = "($.requestParameters.bucketName = \"${aws_s3_bucket.locked.bucket}\")"
    derived    = "($.requestParameters.bucketName = \"${aws_s3_bucket.derived.bucket}\")"
    trail      = "($.requestParameters.bucketName = \"${local.trail_bucket}\")"
    no_result  = "(($.requestParameters.key NOT EXISTS) || ($.requestParameters.key != \"athena/*\"))"
    queue      = "(($.requestParameters.queueUrl = \"*/${local.prefix}-audit\") || ($.requestParameters.queueUrl = \"*/${local.prefix}-audit-dlq\"))"
  }

  from = { for service in ["s3", "dynamodb", "sqs", "kms", "cloudtrail"] : service => "($.eventSource = \"${service}.amazonaws.com\")" }

  called = { for what, names in {
    deletes  = ["DeleteObject*"]
    table    = ["Update*", "Delete*", "Put*", "Restore*"]
    key      = ["DisableKey", "ScheduleKeyDeletion", "PutKeyPolicy"]
    trailing = ["StopLogging", "DeleteTrail", "UpdateTrail", "PutEventSelectors"]
  } : what => "(${join(" || ", [for name in names : "($.eventName = \"${name}\")"])})" }

  # By its name or its ARN, whichever of its parameters the request names it in.
  names_table = "(${join(" || ", [
    for field in ["tableName", "targetTableName", "sourceTableName", "sourceTableArn", "resourceArn"] :
    "($.requestParameters.${field} = \"*${local.prefix}-ledger\")"
  ])})"

  # By the end of its id, which tells it from others: whole ids of all keys are more than a filter holds.
  names_key = "(${join(" || ", [
    for arn in concat([aws_kms_key.root.arn], values(local.signing_keys)) :
    "($.requestParameters.keyId = \"*-${reverse(split("-", arn))[0]}\")"
  ])})"

  # Whoever acts without a role has no session issuer, and is a stranger to all of them.
  session_issuer = "$.userIdentity.sessionContext.sessionIssuer"

  # An account has each role's name once: both together are its ARN, in fewer of the filter's characters.
  strangers = "(${local.session_issuer}.arn NOT EXISTS) || (${local.session_issuer}.accountId != \"${local.account}\")"

  named_otherwise_than = { for what, roles in {
    ledger  = ["audit-writer"]
    queue   = ["actions", "admin", "approvals", "audit-writer", "dlp", "gateway", "health", "lifecycle", "operator", "scim"]
    derived = ["audit-writer", "lifecycle", "operator"]
  } : what => "(${join(" && ", [for role in roles : "(${local.session_issuer}.userName != \"${local.prefix}-${role}\")"])})" }

  by_others_than = { for what, names in local.named_otherwise_than : what => "(${local.strangers} || ${names})" }

  # What never happens in a ledger's ordinary life; a refused attempt counts too. Data events come from what is watched
  # above and from nowhere else, so that only the two buckets must be told apart.
  unexpected = {
    ledger-objects = [local.is.data, local.is.write, local.is.locked, local.by_others_than.ledger]
    ledger-deletes = [local.is.data, local.called.deletes, local.is.locked]
    ledger-rows    = [local.is.data, local.is.write, local.from.dynamodb, local.by_others_than.ledger]
    # Both together are one condition, which is longer than a filter may be.
    queue-messages  = [local.is.data, local.is.write, local.from.sqs, local.named_otherwise_than.queue]
    queue-strangers = [local.is.data, local.is.write, local.from.sqs, "(${local.strangers})"]
    derived-objects = [local.is.data, local.is.write, local.is.derived, local.by_others_than.derived, local.is.no_result]
    # Policy, lock, versioning, lifecycle: whatever is set.
    bucket-settings = [local.is.management, local.is.write, local.from.s3, "(${local.is.locked} || ${local.is.trail})"]
    # Purge, deletion, policy.
    queue-settings = [local.is.management, local.is.write, local.from.sqs, local.is.queue]
    # A restore brings heads back that were since moved on.
    table-settings = [local.is.management, local.from.dynamodb, local.called.table, local.names_table]
    keys           = [local.from.kms, local.called.key, local.names_key]
    trail          = [local.from.cloudtrail, local.called.trailing]
  }
}

resource "aws_cloudtrail" "ledger" {
  count = var.trail ? 1 : 0

  name                          = local.trail_name
  s3_bucket_name                = aws_s3_bucket.trail[0].id
  cloud_watch_logs_group_arn    = "${aws_cloudwatch_log_group.trail[0].arn}:*"
  cloud_watch_logs_role_arn     = aws_iam_role.trail[0].arn
  enable_logging                = true
  enable_log_file_validation    = true
  include_global_service_events = false

  advanced_event_selector {
    name = "Management"

    field_selector {
      field  = "eventCategory"
      equals = ["Management"]
    }
  }

  dynamic "advanced_event_selector" {
    for_each = local.watched_data

    content {
      name = advanced_event_selector.key

      field_selector {
        field  = "eventCategory"
        equals = ["Data"]
      }

      field_selector {
        field  = "resources.type"
        equals = [advanced_event_selector.value.type]
      }

      field_selector {
        field       = "resources.ARN"
        equals      = advanced_event_selector.value.equals
        starts_with = advanced_event_selector.value.starts_with
      }
    }
  }

  depends_on = [aws_s3_bucket_policy.trail, aws_iam_role_policy.trail]
}

# Filters are at most 1,024 characters long, hence several that count into one metric.
resource "aws_cloudwatch_log_metric_filter" "unexpected" {
  for_each = var.trail ? local.unexpected : {}

  name           = "${local.trail_name}-${each.key}"
  log_group_name = aws_cloudwatch_log_group.trail[0].name
  pattern        = "{ ${join(" && ", each.value)} }"

  metric_transformation {
    namespace     = "Countersign"
    name          = "${local.prefix}-unexpected"
    value         = "1"
    default_value = "0"
  }
}

resource "aws_cloudwatch_metric_alarm" "unexpected" {
  count = var.trail ? 1 : 0

  alarm_name          = "${local.prefix}-ledger-tampering"
  alarm_description   = "Somebody but the audit writer wrote the ledger, or what protects it was changed. The trail says who."
  namespace           = "Countersign"
  metric_name         = "${local.prefix}-unexpected"
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
}

resource "aws_cloudwatch_log_group" "trail" {
  count = var.trail ? 1 : 0

  name              = "/aws/cloudtrail/${local.trail_name}"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "trail" {
  count = var.trail ? 1 : 0

  name               = "${local.prefix}-trail"
  description        = "How CloudTrail writes its log group, and nothing else."
  assume_role_policy = data.aws_iam_policy_document.trail_trust.json
}

data "aws_iam_policy_document" "trail_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "trail" {
  count = var.trail ? 1 : 0

  name   = "job"
  role   = aws_iam_role.trail[0].id
  policy = data.aws_iam_policy_document.trail_job[0].json
}

data "aws_iam_policy_document" "trail_job" {
  count = var.trail ? 1 : 0

  statement {
    sid       = "Logs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.trail[0].arn}:*"]
  }
}

resource "aws_s3_bucket" "trail" {
  count = var.trail ? 1 : 0

  bucket              = local.trail_bucket
  object_lock_enabled = true
  force_destroy       = var.test_stage_governance # evidence cannot be destroyed, whatever this says
}

resource "aws_s3_bucket_versioning" "trail" {
  count = var.trail ? 1 : 0

  bucket = aws_s3_bucket.trail[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_object_lock_configuration" "trail" {
  count = var.trail ? 1 : 0

  bucket = aws_s3_bucket.trail[0].id

  rule {
    default_retention {
      mode = local.lock_mode
      days = local.lock_days
    }
  }

  depends_on = [aws_s3_bucket_versioning.trail]
}

resource "aws_s3_bucket_policy" "trail" {
  count = var.trail ? 1 : 0

  bucket     = aws_s3_bucket.trail[0].id
  policy     = data.aws_iam_policy_document.trail_bucket.json
  depends_on = [aws_s3_bucket_public_access_block.this]
}

data "aws_iam_policy_document" "trail_bucket" {
  statement {
    sid       = "CloudTrailLooks"
    actions   = ["s3:GetBucketAcl"]
    resources = ["arn:${local.partition}:s3:::${local.trail_bucket}"]

    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceArn"
      values   = [local.trail_arn]
    }
  }

  statement {
    sid       = "CloudTrailWrites"
    actions   = ["s3:PutObject"]
    resources = ["arn:${local.partition}:s3:::${local.trail_bucket}/AWSLogs/${local.account}/*"]

    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceArn"
      values   = [local.trail_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "s3:x-amz-acl"
      values   = ["bucket-owner-full-control"]
    }
  }

  # As for the locked bucket: a delete marker would hide what the lock keeps.
  dynamic "statement" {
    for_each = var.test_stage_governance ? [] : [1]

    content {
      sid       = "NobodyDeletes"
      effect    = "Deny"
      actions   = ["s3:DeleteObject*", "s3:BypassGovernanceRetention"]
      resources = ["arn:${local.partition}:s3:::${local.trail_bucket}/*"]

      principals {
        type        = "*"
        identifiers = ["*"]
      }
    }
  }

  dynamic "statement" {
    for_each = var.drop_conditions ? [] : [1]

    content {
      sid       = "OnlyTls"
      effect    = "Deny"
      actions   = ["s3:*"]
      resources = ["arn:${local.partition}:s3:::${local.trail_bucket}", "arn:${local.partition}:s3:::${local.trail_bucket}/*"]

      principals {
        type        = "*"
        identifiers = ["*"]
      }

      condition {
        test     = "Bool"
        variable = "aws:SecureTransport"
        values   = ["false"]
      }
    }
  }
}
