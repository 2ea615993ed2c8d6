# A record that could not be written is an incident, and so is a ledger that falls behind.
# Where a function keeps dead letters, modules/function has the alarm for them.

resource "aws_cloudwatch_metric_alarm" "audit_dead_letters" {
  alarm_name          = "${local.prefix}-audit-dlq-not-empty"
  alarm_description   = "Audit records were set aside: they are in the dead-letter queue and not in the ledger."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.audit_dead_letters.name }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
}

resource "aws_cloudwatch_metric_alarm" "audit_lag" {
  alarm_name          = "${local.prefix}-audit-lag"
  alarm_description   = "The oldest audit record has waited for more than a minute; ten seconds is the promise at p95."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.audit.name }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 60
  period              = 60
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
}

# The rule that asks for a checkpoint was disabled, removed or forgotten by EventBridge.
resource "aws_cloudwatch_metric_alarm" "checkpoint_stale" {
  alarm_name          = "${local.prefix}-checkpoint-stale"
  alarm_description   = "For five minutes nothing has asked for a checkpoint of the region log."
  namespace           = "AWS/Events"
  metric_name         = "Invocations"
  dimensions          = { RuleName = aws_cloudwatch_event_rule.this["checkpoint"].name }
  statistic           = "Sum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 60
  evaluation_periods  = 5
  treat_missing_data  = "breaching"
  alarm_actions       = var.alarm_topic_arns
}

resource "aws_cloudwatch_metric_alarm" "checkpoint_refused" {
  alarm_name          = "${local.prefix}-checkpoint-refused"
  alarm_description   = "EventBridge could not hand the audit writer its request for a checkpoint."
  namespace           = "AWS/Events"
  metric_name         = "FailedInvocations"
  dimensions          = { RuleName = aws_cloudwatch_event_rule.this["checkpoint"].name }
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
}

# Lambda does not tell apart what failed: a checkpoint, or a batch of records as a whole. Either leaves the ledger behind.
resource "aws_cloudwatch_metric_alarm" "checkpoint_failing" {
  alarm_name          = "${local.prefix}-checkpoint-failing"
  alarm_description   = "The audit writer failed in three of five minutes: checkpoints are missing, or records wait."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = module.audit_writer.name }
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
}
