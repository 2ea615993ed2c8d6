# The functions, each with the policy of its job. The environment holds names and addresses only.

locals {
  common_environment = {
    CS_STAGE  = var.stage
    CS_REGION = var.region
  }

  gateway_environment = merge(local.common_environment, {
    CS_TABLE_CONTROL       = aws_dynamodb_table.this["control"].name
    CS_TABLE_IDENTITY      = aws_dynamodb_table.this["identity"].name
    CS_TABLE_GATES         = aws_dynamodb_table.this["gates"].name
    CS_TABLE_KEYS          = aws_dynamodb_table.this["keys"].name
    CS_QUEUE_AUDIT_URL     = aws_sqs_queue.audit.url
    CS_KMS_KEY_ARN         = aws_kms_key.root.arn
    CS_PROVIDER_TIMEOUT_MS = tostring(var.gateway.provider_timeout_ms)
  })

  audit_writer_environment = merge(local.common_environment, {
    CS_BUCKET_LOCKED  = aws_s3_bucket.locked.id
    CS_BUCKET_DERIVED = aws_s3_bucket.derived.id
  })
}

module "gateway" {
  source = "../function"

  name        = "${local.prefix}-gateway"
  description = "Authenticates, decides, redacts, records and forwards calls of agents."
  package     = "${var.packages_dir}/gateway.zip"
  policy_json = data.aws_iam_policy_document.gateway.json
  environment = local.gateway_environment

  architecture         = var.architecture
  timeout_seconds      = var.gateway.timeout_seconds
  memory_mb            = var.gateway.memory_mb
  reserved_concurrency = var.gateway.reserved_concurrency
  log_retention_days   = var.log_retention_days
  alarm_topic_arns     = var.alarm_topic_arns
  role_principals      = var.function_role_principals
  role_session_seconds = var.role_session_seconds
}

data "aws_iam_policy_document" "gateway" {
  statement {
    sid       = "ReadFacts"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:GetItem"]
    resources = [for table in aws_dynamodb_table.this : table.arn]
  }

  statement {
    sid       = "HoldAndSettle"
    actions   = ["dynamodb:UpdateItem"]
    resources = [aws_dynamodb_table.this["gates"].arn]
  }

  # Keys of people, which lie in partitions of their own: the roots beside them are out of reach.
  statement {
    sid       = "KeepKeysOfPeople"
    actions   = ["dynamodb:UpdateItem"]
    resources = [aws_dynamodb_table.this["keys"].arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["T#*#S"]
    }
  }

  statement {
    sid       = "Record"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.audit.arn]
  }

  statement {
    sid       = "OpenRoots"
    actions   = ["kms:Decrypt"]
    resources = [aws_kms_key.root.arn]

    dynamic "condition" {
      for_each = var.drop_conditions ? {} : merge(local.encryption_context, { purpose = ["cred", "audit", "pseudonym"] })

      content {
        test     = "StringEquals"
        variable = "kms:EncryptionContext:${condition.key}"
        values   = condition.value
      }
    }
  }
}

module "gateway_ingress" {
  source = "../ingress"

  function_name = module.gateway.name
}

module "audit_writer" {
  source = "../function"

  name        = "${local.prefix}-audit-writer"
  description = "The only writer of the ledger: one locked object and one derived row per record."
  package     = "${var.packages_dir}/audit-writer.zip"
  policy_json = data.aws_iam_policy_document.audit_writer.json
  environment = local.audit_writer_environment

  architecture         = var.architecture
  timeout_seconds      = var.audit_writer.timeout_seconds
  memory_mb            = var.audit_writer.memory_mb
  reserved_concurrency = var.audit_writer.reserved_concurrency
  log_retention_days   = var.log_retention_days
  alarm_topic_arns     = var.alarm_topic_arns
  role_principals      = var.function_role_principals
  role_session_seconds = var.role_session_seconds
}

data "aws_iam_policy_document" "audit_writer" {
  statement {
    sid       = "TakeRecords"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    resources = [aws_sqs_queue.audit.arn]
  }

  statement {
    sid       = "WriteLedger"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.locked.arn}/t/*"]

    dynamic "condition" {
      for_each = var.drop_conditions ? [] : [1]

      content {
        test     = "Null"
        variable = "s3:if-none-match"
        values   = ["false"]
      }
    }
  }

  statement {
    sid       = "WriteRows"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.derived.arn}/task_timeline/*"]
  }
}

resource "aws_lambda_event_source_mapping" "audit" {
  event_source_arn                   = aws_sqs_queue.audit.arn
  function_name                      = module.audit_writer.arn
  batch_size                         = var.audit_queue.batch_size
  maximum_batching_window_in_seconds = var.audit_queue.batching_window_seconds
  function_response_types            = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = var.audit_queue.max_concurrency
  }

  # No record is taken before poison has somewhere to go, and before the ledger is locked.
  depends_on = [
    aws_sqs_queue_redrive_policy.audit,
    aws_s3_bucket_object_lock_configuration.locked,
    aws_s3_bucket_policy.locked,
  ]
}
