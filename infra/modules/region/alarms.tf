# A record that could not be written is an incident, and so is a ledger that falls behind.
# Each function has the alarm of its own dead-letter queue in modules/function.

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
