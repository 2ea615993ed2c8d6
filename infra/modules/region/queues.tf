# The audit queue, the lifecycle queue, the queue of approvals and their dead-letter queues. Redrive policies are resources of their own so that all
# queues are made side by side: the provider waits about 25 seconds for each.

locals {
  audit_queue_arn     = "arn:${local.partition}:sqs:${var.region_name}:${local.account}:${local.prefix}-audit"
  lifecycle_queue_arn = "arn:${local.partition}:sqs:${var.region_name}:${local.account}:${local.prefix}-lifecycle"
  approvals_queue_arn = "arn:${local.partition}:sqs:${var.region_name}:${local.account}:${local.prefix}-approvals"
}

resource "aws_sqs_queue" "audit" {
  name                       = "${local.prefix}-audit"
  message_retention_seconds  = 1209600
  visibility_timeout_seconds = var.audit_writer.timeout_seconds * var.audit_queue.visibility_factor
  sqs_managed_sse_enabled    = true
  policy                     = data.aws_iam_policy_document.audit_queue.json
}

resource "aws_sqs_queue" "audit_dead_letters" {
  name                      = "${local.prefix}-audit-dlq"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
  policy                    = data.aws_iam_policy_document.audit_dead_letters.json

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [local.audit_queue_arn]
  })
}

resource "aws_sqs_queue_redrive_policy" "audit" {
  queue_url = aws_sqs_queue.audit.id

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.audit_dead_letters.arn
    maxReceiveCount     = var.audit_queue.max_receive_count
  })
}

# Denials bind the account's administrators too. SQS itself moves poison to the dead-letter queue, which no policy
# hinders; to bring a message back, a producer's role must send it again.
data "aws_iam_policy_document" "audit_queue" {
  statement {
    sid       = "NobodyPurges"
    effect    = "Deny"
    actions   = ["sqs:PurgeQueue"]
    resources = [local.audit_queue_arn]

    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }

  statement {
    sid       = "OnlyProducersSend"
    effect    = "Deny"
    actions   = ["sqs:SendMessage"]
    resources = [local.audit_queue_arn]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "ArnNotLike"
      variable = "aws:PrincipalArn"
      values   = local.producer_principals
    }
  }

  # A record that somebody else receives and deletes never reaches the ledger.
  statement {
    sid       = "OnlyTheWriterReceives"
    effect    = "Deny"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage"]
    resources = [local.audit_queue_arn]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "ArnNotLike"
      variable = "aws:PrincipalArn"
      values   = local.writer_principals
    }
  }
}

data "aws_iam_policy_document" "audit_dead_letters" {
  statement {
    sid       = "NobodyPurgesOrSends"
    effect    = "Deny"
    actions   = ["sqs:PurgeQueue", "sqs:SendMessage"]
    resources = ["${local.audit_queue_arn}-dlq"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }
}

# Of people who have left: what they held is dealt with after they are out. Lambda advises a visibility timeout of six times
# the function's; a message that is lost for longer is made up for by the sweep.
resource "aws_sqs_queue" "lifecycle" {
  name                       = "${local.prefix}-lifecycle"
  message_retention_seconds  = 1209600
  visibility_timeout_seconds = var.lifecycle_function.timeout_seconds * 6
  sqs_managed_sse_enabled    = true
  policy                     = data.aws_iam_policy_document.lifecycle_queue.json
}

resource "aws_sqs_queue" "lifecycle_dead_letters" {
  name                      = "${local.prefix}-lifecycle-queue-dlq" # the function's own is `-lifecycle-dlq`
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [local.lifecycle_queue_arn]
  })
}

resource "aws_sqs_queue_redrive_policy" "lifecycle" {
  queue_url = aws_sqs_queue.lifecycle.id

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.lifecycle_dead_letters.arn
    maxReceiveCount     = 5
  })
}

# A message that is not true changes nothing: the person's own row must say the same. Still, only who ends people tells of it.
data "aws_iam_policy_document" "lifecycle_queue" {
  statement {
    sid       = "OnlyWhoEndsPeopleSends"
    effect    = "Deny"
    actions   = ["sqs:SendMessage"]
    resources = [local.lifecycle_queue_arn]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "ArnNotLike"
      variable = "aws:PrincipalArn"
      values   = local.ender_principals
    }
  }
}

# Of requests for approval: whom to tell of what. A message that is lost costs a reminder, since requests are found by the clock too.
resource "aws_sqs_queue" "approvals" {
  name                       = "${local.prefix}-approvals"
  message_retention_seconds  = 1209600
  visibility_timeout_seconds = var.approvals.timeout_seconds * 6
  sqs_managed_sse_enabled    = true
  policy                     = data.aws_iam_policy_document.approvals_queue.json
}

resource "aws_sqs_queue" "approvals_dead_letters" {
  name                      = "${local.prefix}-approvals-queue-dlq"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [local.approvals_queue_arn]
  })
}

resource "aws_sqs_queue_redrive_policy" "approvals" {
  queue_url = aws_sqs_queue.approvals.id

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.approvals_dead_letters.arn
    maxReceiveCount     = 5
  })
}

# A message says which request to look at, and nothing of it is believed. Still, only who makes and ends requests tells of them.
data "aws_iam_policy_document" "approvals_queue" {
  statement {
    sid       = "OnlyWhoMakesAndEndsRequestsSends"
    effect    = "Deny"
    actions   = ["sqs:SendMessage"]
    resources = [local.approvals_queue_arn]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "ArnNotLike"
      variable = "aws:PrincipalArn"
      values   = local.teller_principals
    }
  }
}
