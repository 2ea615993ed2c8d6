# One function: a zip with a `bootstrap`, a role that can do only what `policy_json` says, a log group and, unless it is
# told otherwise, a dead-letter queue for asynchronous invocations.

locals {
  log_group_name = "/aws/lambda/${var.name}"
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }

  dynamic "statement" {
    for_each = length(var.role_principals) > 0 ? [1] : []

    content {
      actions = ["sts:AssumeRole"]

      principals {
        type        = "AWS"
        identifiers = var.role_principals
      }
    }
  }
}

resource "aws_iam_role" "this" {
  name                 = var.name
  description          = "What the function ${var.name} may do, and nothing else."
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = var.role_session_seconds
}

resource "aws_iam_role_policy" "job" {
  name   = "job"
  role   = aws_iam_role.this.id
  policy = var.policy_json
}

data "aws_iam_policy_document" "platform" {
  statement {
    sid       = "Logs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.this.arn}:*"]
  }

  dynamic "statement" {
    for_each = aws_sqs_queue.dead_letters

    content {
      sid       = "DeadLetters"
      actions   = ["sqs:SendMessage"]
      resources = [statement.value.arn]
    }
  }
}

resource "aws_iam_role_policy" "platform" {
  name   = "platform"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.platform.json
}

resource "aws_cloudwatch_log_group" "this" {
  name              = local.log_group_name
  retention_in_days = var.log_retention_days
}

# Invocations that nobody waits for (Event) end here after Lambda's own retries.
resource "aws_sqs_queue" "dead_letters" {
  count = var.keep_dead_letters ? 1 : 0

  name                      = "${var.name}-dlq"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  count = var.keep_dead_letters ? 1 : 0

  alarm_name          = "${var.name}-dlq-not-empty"
  alarm_description   = "An asynchronous invocation of ${var.name} failed for good."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead_letters[0].name }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
}

resource "aws_lambda_function" "this" {
  function_name                  = var.name
  description                    = var.description
  role                           = aws_iam_role.this.arn
  runtime                        = "provided.al2023"
  handler                        = "bootstrap"
  architectures                  = [var.architecture]
  filename                       = var.package
  source_code_hash               = filebase64sha256(var.package)
  timeout                        = var.timeout_seconds
  memory_size                    = var.memory_mb
  reserved_concurrent_executions = var.reserved_concurrency
  publish                        = true

  environment {
    variables = var.environment
  }

  dynamic "dead_letter_config" {
    for_each = aws_sqs_queue.dead_letters

    content {
      target_arn = dead_letter_config.value.arn
    }
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.this.name
  }

  # Lambda checks at creation that the role may send to the dead-letter queue.
  depends_on = [aws_iam_role_policy.platform, aws_iam_role_policy.job]
}

# What callers, queues and clocks reach. A release moves it to the version that it makes; to roll back, it is moved to an earlier
# one, which is there with its code and its environment as they were.
resource "aws_lambda_alias" "live" {
  name             = "live"
  description      = "What is served."
  function_name    = aws_lambda_function.this.function_name
  function_version = var.live_version == "" ? aws_lambda_function.this.version : var.live_version
}
