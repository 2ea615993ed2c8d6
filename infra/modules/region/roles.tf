# Roles of people and machines besides the functions. Each is assumed by its principals in `staff_principals`,
# or by those of `trusted_principals`.

locals {
  # What KMS must be told when it opens or makes a root: a ciphertext of another region or product does not open.
  encryption_context = var.drop_conditions ? {} : { app = ["countersign"], region = [var.region] }

  # What root secrets are for (`envelope`, purpose.rs).
  purposes = ["cred", "audit", "token", "pseudonym", "sso", "scim", "directory", "action"]

  staff_policies = merge({
    operator = data.aws_iam_policy_document.operator.json
    auditor  = data.aws_iam_policy_document.auditor.json
    deployer = data.aws_iam_policy_document.deployer.json
  }, var.admin.bootstrap ? { bootstrap = data.aws_iam_policy_document.bootstrap.json } : {})
}

data "aws_iam_policy_document" "staff_trust" {
  for_each = local.staff_policies

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = lookup(var.staff_principals, each.key, var.trusted_principals)
    }
  }
}

resource "aws_iam_role" "staff" {
  for_each = local.staff_policies

  name                 = "${local.prefix}-${each.key}"
  assume_role_policy   = data.aws_iam_policy_document.staff_trust[each.key].json
  max_session_duration = var.role_session_seconds
}

resource "aws_iam_role_policy" "staff" {
  for_each = local.staff_policies

  name   = "job"
  role   = aws_iam_role.staff[each.key].id
  policy = each.value
}

# `countersign ops`: writes configuration and records that it did. It makes root secrets in wrapped form, and opens them
# to seal credentials. It exports the ledger, and makes derived rows anew from it.
data "aws_iam_policy_document" "operator" {
  source_policy_documents = [data.aws_iam_policy_document.producer["operator"].json, data.aws_iam_policy_document.opener["operator"].json]

  statement {
    sid = "Configure"
    actions = [
      "dynamodb:GetItem",
      "dynamodb:BatchGetItem",
      "dynamodb:Query",
      "dynamodb:PutItem",
      "dynamodb:UpdateItem",
      "dynamodb:ConditionCheckItem",
    ]
    resources = [for table in aws_dynamodb_table.this : table.arn]
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

  # That a drill was held. What is found every five minutes is nobody's to write.
  statement {
    sid       = "KeepDrills"
    actions   = ["dynamodb:UpdateItem"]
    resources = [aws_dynamodb_table.apart["status"].arn]

    condition {
      test     = "ForAllValues:StringEquals"
      variable = "dynamodb:LeadingKeys"
      values   = ["DRILLS"]
    }
  }

  # Brings what was set aside back once its cause is mended (sqs start-message-move-task), and reads what became of invocations that
  # nobody waits for.
  statement {
    sid = "Redrive"
    actions = [
      "sqs:StartMessageMoveTask",
      "sqs:ListMessageMoveTasks",
      "sqs:ReceiveMessage",
      "sqs:DeleteMessage",
      "sqs:GetQueueAttributes",
    ]
    resources = ["${local.queue_arn_prefix}-*-dlq"]
  }

  # Back to where it came from. That of records takes the operator's own anyway; who has left tells nobody but who ended them, and
  # the clock asks for those of whom no message came.
  statement {
    sid       = "RedriveTo"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.work["approvals"].arn]
  }

  statement {
    sid       = "ReadPublicKeys"
    actions   = ["kms:GetPublicKey"]
    resources = values(local.signing_keys)
  }

  statement {
    sid       = "ListBuckets"
    actions   = ["s3:ListBucket", "s3:ListBucketVersions"]
    resources = [aws_s3_bucket.locked.arn, aws_s3_bucket.derived.arn]
  }

  statement {
    sid       = "ReadObjects"
    actions   = ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectRetention"]
    resources = ["${aws_s3_bucket.locked.arn}/*", "${aws_s3_bucket.derived.arn}/*"]
  }

  statement {
    sid       = "RebuildRows"
    actions   = ["s3:PutObject", "s3:DeleteObject"]
    resources = ["${aws_s3_bucket.derived.arn}/task_timeline/*"]
  }
}

# Reads the ledger and asks it questions; writes nothing but the results of its own queries.
data "aws_iam_policy_document" "auditor" {
  statement {
    sid = "Ask"
    actions = [
      "athena:GetWorkGroup",
      "athena:StartQueryExecution",
      "athena:StopQueryExecution",
      "athena:GetQueryExecution",
      "athena:GetQueryResults",
    ]
    # The emulator does not find the workgroup of a running query, and asks for permission on everything.
    resources = concat([aws_athena_workgroup.audit.arn], var.drop_conditions ? ["*"] : [])
  }

  statement {
    sid     = "ReadCatalogue"
    actions = ["glue:GetDatabase", "glue:GetTable", "glue:GetTables", "glue:GetPartition", "glue:GetPartitions"]
    resources = [
      "arn:${local.partition}:glue:${var.region_name}:${local.account}:catalog",
      aws_glue_catalog_database.agents.arn,
      aws_glue_catalog_table.task_timeline.arn,
    ]
  }

  statement {
    sid = "ListBuckets"
    actions = [
      "s3:GetBucketLocation",
      "s3:GetBucketObjectLockConfiguration",
      "s3:GetBucketVersioning",
      "s3:ListBucket",
      "s3:ListBucketVersions",
    ]
    resources = [aws_s3_bucket.locked.arn, aws_s3_bucket.derived.arn]
  }

  statement {
    sid       = "ReadObjects"
    actions   = ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectRetention", "s3:GetObjectLegalHold"]
    resources = ["${aws_s3_bucket.locked.arn}/*", "${aws_s3_bucket.derived.arn}/*"]
  }

  statement {
    sid       = "KeepResults"
    actions   = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    resources = ["${aws_s3_bucket.derived.arn}/athena/*"]
  }

  statement {
    sid       = "ReadPublicKeys"
    actions   = ["kms:GetPublicKey"]
    resources = values(local.signing_keys)
  }

  # What the gates admitted is counted apart from the ledger, and must agree with it.
  statement {
    sid       = "Reconcile"
    actions   = ["dynamodb:GetItem"]
    resources = [aws_dynamodb_table.this["gates"].arn]
  }
}

# The only role that may invoke a function directly, to prove a deployment. Such a caller writes the whole event and
# could so forge the source address; it still needs a valid gateway key. The audit writer is not among them: whoever
# could hand it an event could write any record into the ledger. Its deployment is proven through the queue.
data "aws_iam_policy_document" "deployer" {
  statement {
    sid       = "Invoke"
    actions   = ["lambda:InvokeFunction"]
    resources = flatten([for one in [module.actions, module.admin, module.approvals, module.gateway, module.dlp, module.scim, module.health] : [one.arn, one.live_arn]])
  }

  # Moves what is served to an earlier version, at once: the next deployment is told by `live_versions`.
  statement {
    sid       = "RollBack"
    actions   = ["lambda:UpdateAlias", "lambda:GetAlias", "lambda:ListAliases", "lambda:ListVersionsByFunction"]
    resources = flatten([for one in values(local.functions) : ["arn:${local.partition}:lambda:${var.region_name}:${local.account}:function:${one.name}", "arn:${local.partition}:lambda:${var.region_name}:${local.account}:function:${one.name}:live"]])
  }
}
