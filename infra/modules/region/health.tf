# Looks at everything every five minutes, from outside and from within, and shows how it is. It routes nothing, and opens no
# secrets but the canary's.

locals {
  health_package = "${var.packages_dir}/health.zip"

  canary = "ten_0000000000000001" # `domain`, TenantId::canary

  # The emulator serves function URLs below a path of its own.
  gateway_seen_from_outside = var.health.url_base == "" ? module.gateway_ingress.url : "${var.health.url_base}${module.gateway_ingress.url_id}"

  watched_tables = concat(
    [for table in aws_dynamodb_table.this : table.name],
    [for table in [aws_dynamodb_table.apart["ledger"], aws_dynamodb_table.apart["tokens"], aws_dynamodb_table.apart["status"], aws_dynamodb_table.apart["votes"], aws_dynamodb_table.apart["approvals"]] : table.name],
  )

  watched_queues = { audit = aws_sqs_queue.audit, lifecycle = aws_sqs_queue.work["lifecycle"], approvals = aws_sqs_queue.work["approvals"] }

  watched_dead_letters = {
    audit-dlq           = aws_sqs_queue.audit_dead_letters
    lifecycle-queue-dlq = aws_sqs_queue.work_dead_letters["lifecycle"]
    approvals-queue-dlq = aws_sqs_queue.work_dead_letters["approvals"]
  }

  watched_keys = concat([aws_kms_key.root.arn], values(local.signing_keys))

  health_environment = merge(local.common_environment, {
    CS_TABLE_CONTROL   = aws_dynamodb_table.this["control"].name
    CS_TABLE_GATES     = aws_dynamodb_table.this["gates"].name
    CS_TABLE_KEYS      = aws_dynamodb_table.this["keys"].name
    CS_TABLE_STATUS    = aws_dynamodb_table.apart["status"].name
    CS_QUEUE_AUDIT_URL = aws_sqs_queue.audit.url
    CS_KMS_KEY_ARN     = aws_kms_key.root.arn
    CS_SIGNING_KEY_ARN = local.signing_keys.health
    CS_CODE_SHA256     = filesha256(local.health_package)

    CS_GATEWAY_URL        = local.gateway_seen_from_outside
    CS_INTERVAL_MINUTES   = tostring(var.health.minutes)
    CS_WATCH_TABLES       = join(",", local.watched_tables)
    CS_WATCH_KEYS         = join(",", local.watched_keys)
    CS_WATCH_QUEUES       = join(",", [for name, queue in local.watched_queues : "${name}=${queue.url}"])
    CS_WATCH_DEAD_LETTERS = join(",", [for name, queue in local.watched_dead_letters : "${name}=${queue.url}"])
    CS_BUCKET_LOCKED      = aws_s3_bucket.locked.id
    CS_BUCKET_DERIVED     = aws_s3_bucket.derived.id
    CS_LOCK               = "${local.lock_mode}:${local.lock_days}"
    # Those of function URLs have certificates of AWS.
    CS_WATCH_ADDRESSES = coalesce(join(",", compact([var.admin.origin, var.approvals.origin])), "none")
  })
}

module "health" {
  source = "../function"

  name        = "${local.prefix}-health"
  description = "Probes providers and our own data plane every five minutes, feeds breakers, shows the status."
  package     = local.health_package
  policy_json = data.aws_iam_policy_document.health.json
  environment = local.health_environment

  architecture         = var.architecture
  timeout_seconds      = var.health.timeout_seconds
  memory_mb            = var.health.memory_mb
  reserved_concurrency = var.health.reserved_concurrency
  log_retention_days   = var.log_retention_days
  alarm_topic_arns     = var.alarm_topic_arns
  role_principals      = var.function_role_principals
  live_version         = lookup(var.live_versions, "health", "")
  role_session_seconds = var.role_session_seconds

  # What nobody waits for is a run, and the next one makes up for it.
  keep_dead_letters = false
}

module "health_ingress" {
  source = "../ingress"

  function_name = module.health.name
  qualifier     = module.health.live
}

data "aws_iam_policy_document" "health" {
  source_policy_documents = [data.aws_iam_policy_document.producer["health"].json, data.aws_iam_policy_document.opener["health"].json]

  # The canary's own rows: its providers, its key.
  statement {
    sid       = "KnowTheCanary"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:GetItem"]
    resources = [aws_dynamodb_table.this["control"].arn, aws_dynamodb_table.this["keys"].arn]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = ["T#${local.canary}"]
    }
  }

  # Breakers of endpoints, which all tenants share. Tenants' own, budgets and rates lie in other partitions.
  statement {
    sid       = "FeedBreakers"
    actions   = ["dynamodb:GetItem", "dynamodb:UpdateItem"]
    resources = [aws_dynamodb_table.this["gates"].arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["PROVIDER#*"]
    }
  }

  statement {
    sid       = "KeepStatus"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"]
    resources = [aws_dynamodb_table.apart["status"].arn]
  }

  statement {
    sid       = "LookAtTables"
    actions   = ["dynamodb:DescribeTable", "dynamodb:DescribeContinuousBackups"]
    resources = [for name in local.watched_tables : "arn:${local.partition}:dynamodb:${var.region_name}:${local.account}:table/${name}"]
  }

  statement {
    sid       = "LookAtQueues"
    actions   = ["sqs:GetQueueAttributes"]
    resources = [for queue in merge(local.watched_queues, local.watched_dead_letters) : queue.arn]
  }

  statement {
    sid       = "LookAtKeys"
    actions   = ["kms:DescribeKey"]
    resources = local.watched_keys
  }

  statement {
    sid       = "LookAtTheLock"
    actions   = ["s3:GetBucketObjectLockConfiguration"]
    resources = [aws_s3_bucket.locked.arn]
  }

  # The canary's own records, as an auditor reads them, and how old the checkpoint is.
  statement {
    sid       = "ReadTheCanarysRecords"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.derived.arn}/task_timeline/tenant_id=${local.canary}/*", "${aws_s3_bucket.derived.arn}/checkpoint"]
  }

  statement {
    sid       = "FindTheCanarysRecords"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.derived.arn]

    dynamic "condition" {
      for_each = var.drop_conditions ? [] : [1]

      content {
        test     = "StringLike"
        variable = "s3:prefix"
        values   = ["task_timeline/tenant_id=${local.canary}/*"]
      }
    }
  }
}
