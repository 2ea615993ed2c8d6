# Where people decide what agents may do, and how they are told of it. The function writes what they said; it permits nothing, signs no
# permit, and asks `admin` whose session a browser has.

locals {
  approvals_package = "${var.packages_dir}/approvals.zip"

  approvals_environment = merge(local.common_environment, {
    CS_TABLE_VOTES     = aws_dynamodb_table.apart["votes"].name
    CS_TABLE_APPROVALS = aws_dynamodb_table.apart["approvals"].name
    CS_TABLE_CONTROL   = aws_dynamodb_table.this["control"].name
    CS_TABLE_IDENTITY  = aws_dynamodb_table.this["identity"].name
    CS_TABLE_KEYS      = aws_dynamodb_table.this["keys"].name
    CS_TABLE_KILL      = aws_dynamodb_table.this["kill"].name
    CS_QUEUE_AUDIT_URL = aws_sqs_queue.audit.url
    CS_KMS_KEY_ARN     = aws_kms_key.root.arn
    CS_SIGNING_KEY_ARN = local.signing_keys.approvals
    CS_CODE_SHA256     = filesha256(local.approvals_package)

    CS_QUEUE_APPROVALS_URL = aws_sqs_queue.work["approvals"].url
  }, var.approvals.mail_from == "" ? {} : { CS_MAIL_FROM = var.approvals.mail_from })

  # SES takes the identity of an address, or else its domain's.
  mail_identities = var.approvals.mail_from == "" ? [] : [
    for identity in [var.approvals.mail_from, element(split("@", var.approvals.mail_from), 1)] :
    "arn:${local.partition}:ses:${var.region_name}:${local.account}:identity/${identity}"
  ]
}

module "approvals" {
  source = "../function"

  name        = "${local.prefix}-approvals"
  description = "Pages on which people decide what agents may do; tells them, and ends what is late."
  package     = local.approvals_package
  policy_json = data.aws_iam_policy_document.approvals.json
  environment = local.approvals_environment

  architecture         = var.architecture
  timeout_seconds      = var.approvals.timeout_seconds
  memory_mb            = var.approvals.memory_mb
  reserved_concurrency = var.approvals.reserved_concurrency
  log_retention_days   = var.log_retention_days
  alarm_topic_arns     = var.alarm_topic_arns
  role_principals      = var.function_role_principals
  live_version         = lookup(var.live_versions, "approvals", "")
  role_session_seconds = var.role_session_seconds

  # What nobody waits for is the pass of a minute, and the next minute makes up for it.
  keep_dead_letters = false
}

module "approvals_ingress" {
  source = "../ingress"

  function_name = module.approvals.name
  qualifier     = module.approvals.live
}

# One at a time: an address of a tenant's that does not answer must not count against the messages of others.
resource "aws_lambda_event_source_mapping" "approvals" {
  event_source_arn        = aws_sqs_queue.work["approvals"].arn
  function_name           = module.approvals.live_arn
  batch_size              = 1
  function_response_types = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = 2
  }

  # No message is taken before poison has somewhere to go.
  depends_on = [aws_sqs_queue_redrive_policy.work]
}

data "aws_iam_policy_document" "approvals" {
  source_policy_documents = [data.aws_iam_policy_document.producer["approvals"].json, data.aws_iam_policy_document.opener["approvals"].json]

  # Requests, by person and by what waits; a step is written over exactly what was read, and what waits no more is taken from the list.
  statement {
    sid       = "Decide"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:UpdateItem"]
    resources = [aws_dynamodb_table.apart["votes"].arn]
  }

  # What waited, and absences, which lie beside requests. Links, looks, comments and what was taken once are never deleted.
  statement {
    sid       = "TakeFromLists"
    actions   = ["dynamodb:DeleteItem"]
    resources = [aws_dynamodb_table.apart["votes"].arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["WAITING#*", "T#*"]
    }
  }

  # Whether a permit was taken: what became of it is no matter of people. What was taken is not said to have expired.
  statement {
    sid       = "SeeWhatWasTaken"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem"]
    resources = [aws_dynamodb_table.apart["approvals"].arn]
  }

  # Who people are, which roles and groups they have, and by which connection they come. All of it is compared again with their word.
  statement {
    sid       = "KnowPeople"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:ConditionCheckItem"]
    resources = [aws_dynamodb_table.this["identity"].arn]
  }

  # Organizations and tenants, where people are told, what is personal, and addresses of our own.
  statement {
    sid       = "ReadFacts"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"]
    resources = [aws_dynamodb_table.this["control"].arn]
  }

  statement {
    sid       = "ReadKeysAndSwitches"
    actions   = ["dynamodb:BatchGetItem"]
    resources = [aws_dynamodb_table.this["keys"].arn, aws_dynamodb_table.this["kill"].arn]
  }

  statement {
    sid       = "TakeAndSendMessages"
    actions   = ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    resources = [aws_sqs_queue.work["approvals"].arn]
  }

  dynamic "statement" {
    for_each = length(local.mail_identities) > 0 ? [1] : []

    content {
      sid       = "SendMail"
      actions   = ["ses:SendEmail"]
      resources = local.mail_identities

      condition {
        test     = "StringEquals"
        variable = "ses:FromAddress"
        values   = [var.approvals.mail_from]
      }
    }
  }
}
