# The audit queue, the lifecycle queue, the queue of approvals and their dead-letter queues. Redrive policies are resources of their own so that all
# queues are made side by side: the provider waits about 25 seconds for each.

locals {
  queue_arn_prefix = "arn:${local.partition}:sqs:${var.region_name}:${local.account}:${local.prefix}"
  audit_queue_arn  = "${local.queue_arn_prefix}-audit"
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
      values   = local.principals_that.produce
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
      values   = local.principals_that.write
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

# Queues of work. Lambda advises a visibility timeout of six times the function's; a message that is lost for longer is made up for by
# the clock. Of no message anything is believed: it says where to look. Still, only who has something to tell sends.
locals {
  work = {
    # Of people who have left: what they held is dealt with after they are out.
    lifecycle = { timeout_seconds = var.lifecycle_function.timeout_seconds, senders = local.principals_that.end }
    # Of requests for approval: whom to tell of what.
    approvals = { timeout_seconds = var.approvals.timeout_seconds, senders = local.principals_that.tell }
  }
}

resource "aws_sqs_queue" "work" {
  for_each = local.work

  name                       = "${local.prefix}-${each.key}"
  message_retention_seconds  = 1209600
  visibility_timeout_seconds = each.value.timeout_seconds * 6
  sqs_managed_sse_enabled    = true
  policy                     = data.aws_iam_policy_document.work_queue[each.key].json
}

resource "aws_sqs_queue" "work_dead_letters" {
  for_each = local.work

  name                      = "${local.prefix}-${each.key}-queue-dlq" # the function's own is `-dlq`
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = ["${local.queue_arn_prefix}-${each.key}"]
  })
}

resource "aws_sqs_queue_redrive_policy" "work" {
  for_each = local.work

  queue_url = aws_sqs_queue.work[each.key].id

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.work_dead_letters[each.key].arn
    maxReceiveCount     = 5
  })
}

data "aws_iam_policy_document" "work_queue" {
  for_each = local.work

  statement {
    sid       = "OnlyWhoHasToTellSends"
    effect    = "Deny"
    actions   = ["sqs:SendMessage"]
    resources = ["${local.queue_arn_prefix}-${each.key}"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "ArnNotLike"
      variable = "aws:PrincipalArn"
      values   = each.value.senders
    }
  }
}

moved {
  from = aws_sqs_queue.lifecycle
  to   = aws_sqs_queue.work["lifecycle"]
}

moved {
  from = aws_sqs_queue.lifecycle_dead_letters
  to   = aws_sqs_queue.work_dead_letters["lifecycle"]
}

moved {
  from = aws_sqs_queue_redrive_policy.lifecycle
  to   = aws_sqs_queue_redrive_policy.work["lifecycle"]
}
