# The functions, each with the policy of its job. The environment holds names and addresses only.

locals {
  common_environment = {
    CS_STAGE  = var.stage
    CS_REGION = var.region
  }

  # What the gateway, DLP over HTTP and `countersign ops` need.
  configuration_environment = merge(local.common_environment, {
    CS_TABLE_CONTROL       = aws_dynamodb_table.this["control"].name
    CS_TABLE_IDENTITY      = aws_dynamodb_table.this["identity"].name
    CS_TABLE_GATES         = aws_dynamodb_table.this["gates"].name
    CS_TABLE_KEYS          = aws_dynamodb_table.this["keys"].name
    CS_TABLE_KILL          = aws_dynamodb_table.this["kill"].name
    CS_TABLE_TOKENS        = aws_dynamodb_table.apart["tokens"].name
    CS_QUEUE_AUDIT_URL     = aws_sqs_queue.audit.url
    CS_KMS_KEY_ARN         = aws_kms_key.root.arn
    CS_PROVIDER_TIMEOUT_MS = tostring(var.gateway.provider_timeout_ms)
  })

  gateway_package = "${var.packages_dir}/gateway.zip"

  dlp_package = "${var.packages_dir}/dlp.zip"

  lifecycle_package = "${var.packages_dir}/lifecycle.zip"

  admin_package = "${var.packages_dir}/admin.zip"

  scim_package = "${var.packages_dir}/scim.zip"

  # No provider's timeout and no tokens: it calls identity providers alone, and keeps no value of a call.
  admin_environment = merge({
    for name, value in local.configuration_environment : name => value
    if !contains(["CS_PROVIDER_TIMEOUT_MS", "CS_TABLE_TOKENS"], name)
    }, {
    CS_SIGNING_KEY_ARN = local.signing_keys.admin
    CS_SESSION_KEY_ARN = local.signing_keys.session

    CS_QUEUE_LIFECYCLE_URL = aws_sqs_queue.work["lifecycle"].url

    CS_CODE_SHA256   = filesha256(local.admin_package)
    CS_ORIGIN        = var.admin.origin
    CS_BOOTSTRAP_ARN = var.admin.bootstrap ? "${local.role_arn_prefix}-bootstrap" : ""
    CS_HANDOFF_TO    = join(",", concat(["${local.approvals_address}/signed-in"], var.admin.handoff_to))

    CS_ATHENA_WORKGROUP = aws_athena_workgroup.audit.name
    CS_ATHENA_DATABASE  = aws_glue_catalog_database.agents.name

    CS_TABLE_STATUS = aws_dynamodb_table.apart["status"].name
  })

  # What directories push, and nothing of calls.
  scim_environment = merge({
    for name, value in local.configuration_environment : name => value
    if contains(["CS_STAGE", "CS_REGION", "CS_TABLE_CONTROL", "CS_TABLE_IDENTITY", "CS_TABLE_KEYS", "CS_QUEUE_AUDIT_URL", "CS_KMS_KEY_ARN"], name)
    }, {
    CS_SIGNING_KEY_ARN     = local.signing_keys.scim
    CS_QUEUE_LIFECYCLE_URL = aws_sqs_queue.work["lifecycle"].url
    CS_CODE_SHA256         = filesha256(local.scim_package)
    CS_DIRECTORY_ORIGIN    = var.scim.directory_origin
  })

  # Names of what it reads and keeps. It knows no provider.
  dlp_environment = merge(local.common_environment, {
    for name, value in local.configuration_environment : name => value if name != "CS_PROVIDER_TIMEOUT_MS"
    }, {
    CS_SIGNING_KEY_ARN = local.signing_keys.dlp
    CS_CODE_SHA256     = filesha256(local.dlp_package)
  })

  gateway_environment = merge(local.configuration_environment, {
    CS_SIGNING_KEY_ARN = local.signing_keys.gateway
    CS_CODE_SHA256     = filesha256(local.gateway_package) # the same bytes as Lambda's own CodeSha256
  })

  ops_environment = merge(local.configuration_environment, {
    CS_SIGNING_KEY_ARN         = local.signing_keys.operator
    CS_BUCKET_LOCKED           = aws_s3_bucket.locked.id
    CS_BUCKET_DERIVED          = aws_s3_bucket.derived.id
    CS_CHECKPOINT_KEY_ARN      = local.signing_keys.checkpoint
    CS_GATEWAY_SIGNING_KEY_ARN = local.signing_keys.gateway
    CS_DLP_SIGNING_KEY_ARN     = local.signing_keys.dlp

    CS_LIFECYCLE_SIGNING_KEY_ARN = local.signing_keys.lifecycle
    CS_ADMIN_SIGNING_KEY_ARN     = local.signing_keys.admin
    CS_SCIM_SIGNING_KEY_ARN      = local.signing_keys.scim
    CS_HEALTH_SIGNING_KEY_ARN    = local.signing_keys.health
    CS_ACTIONS_SIGNING_KEY_ARN   = local.signing_keys.actions
    CS_APPROVALS_SIGNING_KEY_ARN = local.signing_keys.approvals

    CS_TABLE_STATUS = aws_dynamodb_table.apart["status"].name

    CS_LOG_ORIGIN       = local.log_origin
    CS_ATHENA_WORKGROUP = aws_athena_workgroup.audit.name
    CS_GLUE_DATABASE    = aws_glue_catalog_database.agents.name
  })

  audit_writer_environment = merge(local.common_environment, {
    CS_TABLE_LEDGER       = aws_dynamodb_table.apart["ledger"].name
    CS_BUCKET_LOCKED      = aws_s3_bucket.locked.id
    CS_BUCKET_DERIVED     = aws_s3_bucket.derived.id
    CS_CHECKPOINT_KEY_ARN = local.signing_keys.checkpoint
    CS_LOG_ORIGIN         = local.log_origin
  })

  lifecycle_environment = merge(local.common_environment, {
    CS_BUCKET_DERIVED   = aws_s3_bucket.derived.id
    CS_BUCKET_LOCKED    = aws_s3_bucket.locked.id
    CS_LOG_ORIGIN       = local.log_origin
    CS_CHECKPOINT_SINKS = join(",", var.checkpoint_sinks)
    CS_TABLE_CONTROL    = aws_dynamodb_table.this["control"].name
    CS_TABLE_IDENTITY   = aws_dynamodb_table.this["identity"].name
    CS_TABLE_GATES      = aws_dynamodb_table.this["gates"].name
    CS_QUEUE_AUDIT_URL  = aws_sqs_queue.audit.url
    CS_SIGNING_KEY_ARN  = local.signing_keys.lifecycle
    CS_CODE_SHA256      = filesha256(local.lifecycle_package)
  })

  # Every signing key signs pure Ed25519, over the bytes themselves; permits are signed by ES256.
  signing_algorithm = var.drop_conditions ? [] : ["ED25519_SHA_512"]
  permit_algorithm  = var.drop_conditions ? [] : ["ECDSA_SHA_256"]
}

module "gateway" {
  source = "../function"

  name        = "${local.prefix}-gateway"
  description = "Authenticates, decides, redacts, records and forwards calls of agents."
  package     = local.gateway_package
  policy_json = data.aws_iam_policy_document.gateway.json
  environment = local.gateway_environment

  architecture         = var.architecture
  timeout_seconds      = var.gateway.timeout_seconds
  memory_mb            = var.gateway.memory_mb
  reserved_concurrency = var.gateway.reserved_concurrency
  log_retention_days   = var.log_retention_days
  alarm_topic_arns     = var.alarm_topic_arns
  role_principals      = var.function_role_principals
  live_version         = lookup(var.live_versions, "gateway", "")
  role_session_seconds = var.role_session_seconds
}

# Whoever sends records: to the audit queue, signed by instances that the function's own key certifies.
data "aws_iam_policy_document" "producer" {
  for_each = toset(["actions", "approvals", "dlp", "gateway", "health", "lifecycle", "operator", "scim"])

  statement {
    sid       = "Record"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.audit.arn]
  }

  statement {
    sid       = "CertifyInstances"
    actions   = ["kms:Sign"]
    resources = [local.signing_keys[each.key]]

    dynamic "condition" {
      for_each = local.signing_algorithm

      content {
        test     = "StringEquals"
        variable = "kms:SigningAlgorithm"
        values   = [condition.value]
      }
    }
  }
}

data "aws_iam_policy_document" "gateway" {
  source_policy_documents = [data.aws_iam_policy_document.producer["gateway"].json, data.aws_iam_policy_document.opener["gateway"].json]

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

  # Tokens are put once, and read by those that a call names. None is changed or deleted: they expire.
  statement {
    sid       = "KeepTokens"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:BatchWriteItem"]
    resources = [aws_dynamodb_table.apart["tokens"].arn]
  }
}

module "gateway_ingress" {
  source = "../ingress"

  function_name = module.gateway.name
  qualifier     = module.gateway.live
}

module "dlp" {
  source = "../function"

  name        = "${local.prefix}-dlp"
  description = "Detects, redacts and restores texts and documents of agents, and records it."
  package     = local.dlp_package
  policy_json = data.aws_iam_policy_document.dlp.json
  environment = local.dlp_environment

  architecture         = var.architecture
  timeout_seconds      = var.dlp.timeout_seconds
  memory_mb            = var.dlp.memory_mb
  reserved_concurrency = var.dlp.reserved_concurrency
  log_retention_days   = var.log_retention_days
  alarm_topic_arns     = var.alarm_topic_arns
  role_principals      = var.function_role_principals
  live_version         = lookup(var.live_versions, "dlp", "")
  role_session_seconds = var.role_session_seconds
}

data "aws_iam_policy_document" "dlp" {
  source_policy_documents = [data.aws_iam_policy_document.producer["dlp"].json, data.aws_iam_policy_document.opener["dlp"].json]

  statement {
    sid       = "ReadFacts"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:GetItem"]
    resources = [for name in ["control", "identity", "keys", "kill"] : aws_dynamodb_table.this[name].arn]
  }

  # Rate windows, in partitions of their own: budgets are out of reach.
  statement {
    sid       = "CountRestores"
    actions   = ["dynamodb:UpdateItem"]
    resources = [aws_dynamodb_table.this["gates"].arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["T#*#R"]
    }
  }

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
    sid       = "KeepTokens"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:BatchWriteItem"]
    resources = [aws_dynamodb_table.apart["tokens"].arn]
  }
}

module "dlp_ingress" {
  source = "../ingress"

  function_name = module.dlp.name
  qualifier     = module.dlp.live
}

module "admin" {
  source = "../function"

  name        = "${local.prefix}-admin"
  description = "Sign-in, sessions and the management API: writes all configuration, and records it."
  package     = local.admin_package
  policy_json = data.aws_iam_policy_document.admin.json
  environment = local.admin_environment

  architecture         = var.architecture
  timeout_seconds      = var.admin.timeout_seconds
  memory_mb            = var.admin.memory_mb
  reserved_concurrency = var.admin.reserved_concurrency
  log_retention_days   = var.log_retention_days
  alarm_topic_arns     = var.alarm_topic_arns
  role_principals      = var.function_role_principals
  live_version         = lookup(var.live_versions, "admin", "")
  role_session_seconds = var.role_session_seconds
}

data "aws_iam_policy_document" "admin" {
  source_policy_documents = [data.aws_iam_policy_document.opener["admin"].json]

  statement {
    sid       = "ReadFacts"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"]
    resources = [for name in ["control", "identity", "kill"] : aws_dynamodb_table.this[name].arn]
  }

  # What health found last. Days and drills are none of a tenant's business.
  statement {
    sid       = "KnowTheStatus"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:GetItem"]
    resources = [aws_dynamodb_table.apart["status"].arn]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = ["STATUS"]
    }
  }

  # Rows of configuration are written over exactly what was read; roles are taken away.
  statement {
    sid       = "Configure"
    actions   = ["dynamodb:UpdateItem"]
    resources = [for name in ["control", "identity", "kill"] : aws_dynamodb_table.this[name].arn]
  }

  # Roles, invitations and sign-ins. Sessions and people are never deleted.
  statement {
    sid       = "TakeRolesAway"
    actions   = ["dynamodb:DeleteItem"]
    resources = [aws_dynamodb_table.this["identity"].arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["T#*", "ORG#*", "LOGIN#*"]
    }
  }

  # A new tenant's meters and roots. Rate windows and keys of people are out of reach.
  statement {
    sid       = "MakeBudgets"
    actions   = ["dynamodb:UpdateItem"]
    resources = [aws_dynamodb_table.this["gates"].arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["T#*#B*"]
    }
  }

  statement {
    sid       = "KeepRoots"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:UpdateItem"]
    resources = [aws_dynamodb_table.this["keys"].arn]

    condition {
      test     = "ForAllValues:StringNotLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["T#*#S"]
    }
  }

  statement {
    sid       = "Record"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.audit.arn]
  }

  # That somebody was ended.
  statement {
    sid       = "TellLifecycle"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.work["lifecycle"].arn]
  }

  statement {
    sid       = "MakeRoots"
    actions   = ["kms:GenerateDataKeyWithoutPlaintext"]
    resources = [aws_kms_key.root.arn]

    dynamic "condition" {
      for_each = var.drop_conditions ? {} : merge(local.encryption_context, { purpose = local.purposes })

      content {
        test     = "StringEquals"
        variable = "kms:EncryptionContext:${condition.key}"
        values   = condition.value
      }
    }
  }

  # Questions of people to the log. Athena reads the catalogue and the buckets with the rights of whoever asks.
  statement {
    sid = "AskTheLog"
    actions = [
      "athena:StartQueryExecution",
      "athena:GetQueryExecution",
      "athena:GetQueryResults",
    ]
    # The emulator does not find the workgroup of a running query, and asks for permission on everything.
    resources = concat([aws_athena_workgroup.audit.arn], var.drop_conditions ? ["*"] : [])
  }

  statement {
    sid     = "ReadCatalogue"
    actions = ["glue:GetDatabase", "glue:GetTable", "glue:GetPartitions"]
    resources = [
      "arn:${local.partition}:glue:${var.region_name}:${local.account}:catalog",
      aws_glue_catalog_database.agents.arn,
      aws_glue_catalog_table.task_timeline.arn,
    ]
  }

  statement {
    sid       = "FindRows"
    actions   = ["s3:GetBucketLocation"]
    resources = [aws_s3_bucket.derived.arn]
  }

  statement {
    sid       = "ListRows"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.derived.arn]

    dynamic "condition" {
      for_each = var.drop_conditions ? [] : [1]

      content {
        test     = "StringLike"
        variable = "s3:prefix"
        values   = ["task_timeline/*", "athena/*"]
      }
    }
  }

  statement {
    sid       = "ReadRows"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.derived.arn}/task_timeline/*"]
  }

  statement {
    sid       = "KeepResults"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    resources = ["${aws_s3_bucket.derived.arn}/athena/*"]
  }

  # Sessions are checked without the key service, by the public half.
  statement {
    sid       = "CheckSessions"
    actions   = ["kms:GetPublicKey"]
    resources = [local.signing_keys.session]
  }

  statement {
    sid       = "CertifyInstancesAndSessions"
    actions   = ["kms:Sign"]
    resources = [local.signing_keys.admin, local.signing_keys.session]

    dynamic "condition" {
      for_each = local.signing_algorithm

      content {
        test     = "StringEquals"
        variable = "kms:SigningAlgorithm"
        values   = [condition.value]
      }
    }
  }
}

module "admin_ingress" {
  source = "../ingress"

  function_name = module.admin.name
  qualifier     = module.admin.live
}

module "audit_writer" {
  source = "../function"

  name        = "${local.prefix}-audit-writer"
  description = "The only writer of the ledger: gives records their place, locks them and signs checkpoints."
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
  live_version         = lookup(var.live_versions, "audit-writer", "")
  role_session_seconds = var.role_session_seconds

  # What nobody waits for is the checkpoint of a minute, and the next minute makes up for it.
  keep_dead_letters = false
}

data "aws_iam_policy_document" "audit_writer" {
  statement {
    sid       = "TakeRecords"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    resources = [aws_sqs_queue.audit.arn]
  }

  # Heads are compared and swapped; rows of known events are put and looked up.
  statement {
    sid = "MoveHeads"
    actions = [
      "dynamodb:GetItem",
      "dynamodb:BatchGetItem",
      "dynamodb:Query",
      "dynamodb:PutItem",
      "dynamodb:UpdateItem",
      "dynamodb:BatchWriteItem",
    ]
    resources = [aws_dynamodb_table.apart["ledger"].arn]
  }

  statement {
    sid       = "WriteLedger"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.locked.arn}/t/*", "${aws_s3_bucket.locked.arn}/region/*"]

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
    sid     = "WriteDerived"
    actions = ["s3:PutObject"]
    resources = [
      for name in ["task_timeline/*", "checkpoint", "region/*"] : "${aws_s3_bucket.derived.arn}/${name}"
    ]
  }

  statement {
    sid     = "ReadBack"
    actions = ["s3:GetObject"]
    resources = [
      "${aws_s3_bucket.locked.arn}/t/*",
      "${aws_s3_bucket.locked.arn}/region/*",
      "${aws_s3_bucket.derived.arn}/region/*",
    ]
  }

  # Without it S3 answers 403 for an object that is not there, and the writer could not tell absence from a denial. Such a
  # read names no prefix, hence IfExists.
  statement {
    sid       = "TellAbsence"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.locked.arn, aws_s3_bucket.derived.arn]

    condition {
      test     = "StringLikeIfExists"
      variable = "s3:prefix"
      values   = ["t/*", "region/*"]
    }
  }

  statement {
    sid       = "SignCheckpoints"
    actions   = ["kms:Sign"]
    resources = [local.signing_keys.checkpoint]

    dynamic "condition" {
      for_each = local.signing_algorithm

      content {
        test     = "StringEquals"
        variable = "kms:SigningAlgorithm"
        values   = [condition.value]
      }
    }
  }

  # The key's id stands in every signature line, and is made of the public key.
  statement {
    sid       = "KnowItsPublicKey"
    actions   = ["kms:GetPublicKey"]
    resources = [local.signing_keys.checkpoint]
  }
}

resource "aws_lambda_event_source_mapping" "audit" {
  event_source_arn                   = aws_sqs_queue.audit.arn
  function_name                      = module.audit_writer.live_arn
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

module "lifecycle" {
  source = "../function"

  name        = "${local.prefix}-lifecycle"
  description = "Sends checkpoints out of the account, compacts rows, settles orphaned holds, deals with what leavers held."
  package     = local.lifecycle_package
  policy_json = data.aws_iam_policy_document.lifecycle.json
  environment = local.lifecycle_environment

  architecture         = var.architecture
  timeout_seconds      = var.lifecycle_function.timeout_seconds
  memory_mb            = var.lifecycle_function.memory_mb
  reserved_concurrency = var.lifecycle_function.reserved_concurrency
  log_retention_days   = var.log_retention_days
  alarm_topic_arns     = var.alarm_topic_arns
  role_principals      = var.function_role_principals
  live_version         = lookup(var.live_versions, "lifecycle", "")
  role_session_seconds = var.role_session_seconds
}

# Small batches: one message can be an organization's every key.
resource "aws_lambda_event_source_mapping" "lifecycle" {
  event_source_arn        = aws_sqs_queue.work["lifecycle"].arn
  function_name           = module.lifecycle.live_arn
  batch_size              = 5
  function_response_types = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = 2
  }

  # No message is taken before poison has somewhere to go.
  depends_on = [aws_sqs_queue_redrive_policy.work]
}

data "aws_iam_policy_document" "lifecycle" {
  source_policy_documents = [data.aws_iam_policy_document.producer["lifecycle"].json]

  statement {
    sid     = "Read"
    actions = ["s3:GetObject"]
    resources = concat(
      [for name in ["checkpoint", "region/*", "task_timeline/*"] : "${aws_s3_bucket.derived.arn}/${name}"],
      ["${aws_s3_bucket.locked.arn}/region/*"],
    )
  }

  # Lists what is to be compacted; and as for the audit writer, absence is told from a denial.
  statement {
    sid       = "TellAbsence"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.derived.arn, aws_s3_bucket.locked.arn]

    condition {
      test     = "StringLikeIfExists"
      variable = "s3:prefix"
      values   = ["checkpoint", "region/*", "task_timeline/*"]
    }
  }

  statement {
    sid       = "Compact"
    actions   = ["s3:PutObject", "s3:DeleteObject"]
    resources = ["${aws_s3_bucket.derived.arn}/task_timeline/*"]
  }

  statement {
    sid       = "WriteTiles"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.derived.arn}/tile/*"]
  }

  # Budgets of all tenants are looked through; what died there is settled, and what is over is forgotten.
  statement {
    sid       = "FindHolds"
    actions   = ["dynamodb:Scan"]
    resources = [aws_dynamodb_table.this["gates"].arn]
  }

  # The organization of a tenant whose call died; tenants, keys and agents of an organization that somebody has left.
  statement {
    sid       = "KnowTenants"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"]
    resources = [aws_dynamodb_table.this["control"].arn]
  }

  # Keys are revoked or given a deadline, agents suspended or given to their deputies. Rows are updated, never made or deleted.
  statement {
    sid       = "EndWhatLeaversHeld"
    actions   = ["dynamodb:UpdateItem"]
    resources = [aws_dynamodb_table.this["control"].arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["KEY#*", "T#*"]
    }
  }

  # Whether somebody has left, which roles they have, and whether a deputy is there; connections, and which tokens of their
  # directories are live.
  statement {
    sid       = "KnowPeople"
    actions   = ["dynamodb:GetItem"]
    resources = [aws_dynamodb_table.this["identity"].arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["ORG#*", "CON#*", "OFFBOARD#*", "T#*"]
    }
  }

  statement {
    sid       = "FindTokens"
    actions   = ["dynamodb:Query"]
    resources = [aws_dynamodb_table.this["identity"].arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["ORG#*", "CON#*"]
    }
  }

  # Tokens of directories that a leaver was shown.
  statement {
    sid       = "EndTokens"
    actions   = ["dynamodb:UpdateItem"]
    resources = [aws_dynamodb_table.this["identity"].arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["CON#*"]
    }
  }

  # The marks of those who have left, which go once everything is dealt with.
  statement {
    sid       = "FindLeavers"
    actions   = ["dynamodb:Query", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    resources = [aws_dynamodb_table.this["identity"].arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["OFFBOARD#*"]
    }
  }

  statement {
    sid       = "TakeMessages"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    resources = [aws_sqs_queue.work["lifecycle"].arn]
  }

  statement {
    sid       = "SweepHolds"
    actions   = ["dynamodb:UpdateItem"]
    resources = [aws_dynamodb_table.this["gates"].arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["T#*#B*", "T#*#U"]
    }
  }

  # The sink's own policy must allow it too: the bucket is another account's.
  dynamic "statement" {
    for_each = length(var.checkpoint_sinks) > 0 ? [1] : []

    content {
      sid       = "DeliverCheckpoints"
      actions   = ["s3:PutObject"]
      resources = [for sink in var.checkpoint_sinks : "arn:${local.partition}:s3:::${sink}/countersign/*"]
    }
  }
}
